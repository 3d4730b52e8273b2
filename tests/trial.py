"""One project, hook by hook: what setuptools does and what we do."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import ndiff
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts import particulars, reproducible
from backends import HOOKS, OURS, PLAIN, SAMPLES, HookProcess, Outcome, call_into
from snapshot import snapshot

if TYPE_CHECKING:
    from outside import Outside

#: The samples that are built by ``__legacy__``.
LEGACY = {"legacy"}

#: What an editable install of a sample has to leave in the root, for the imports to find it there.
LEFT_BY_EDITABLE = {"c_extension": ("*.so", "spam")}

#: A slot, and a directory of :mod:`tempfile`'s.
_SLOT = r"[^\s'\"]*/isolated-backend\.\d+/[^/\s]+/\d+"
_PASSING = re.compile(r"[^\s'\"]*\btmp\w{8}\b")

#: What stays of a project in TMPDIR: the locks on slots, and the mark of a hook that always writes.
KEPT = re.compile(r".*\.lock|build_editable\.writes")

#: A pattern of MANIFEST.in finds nothing in ``build/`` unless there is one in the root.
_OF_STAGING = re.compile(r"^warning: no .*under directory 'build'$")

#: The one exception: what an earlier build's staging left in the tree is not shipped by us.
EARLIER_STAGING = {"leftovers": ("build/lib", "leftovers-1")}


@dataclass(frozen=True)
class Made:
    """What the hooks of one backend have made of one project."""

    outcomes: dict[str, Outcome]
    out: Path
    began: float
    root: Path

    @property
    def failures(self) -> dict[str, str]:
        """The messages of the hooks that failed."""
        return {
            hook: outcome.message or outcome.error
            for hook, outcome in self.outcomes.items()
            if outcome.error
        }


def make(process: HookProcess, out: Path, hooks: Iterable[str] = HOOKS) -> Made:
    """Call *hooks*, each on a fresh copy of the project.

    Args:
        process: calls them; it has a pristine project.
        out: where each puts what it makes, in a directory of its name.
        hooks: their names.
    """
    hooks = list(hooks)
    for hook in hooks:
        (out / hook).mkdir(parents=True)
    began = time.time()
    outcomes = process(*[call_into(hook, out / hook) for hook in hooks])
    return Made(dict(zip(hooks, outcomes, strict=True)), out, began, process.root)


def differences(
    plain: Made, ours: Made, may_leave: Iterable[str] = (), epoch: str | None = None
) -> list[str]:
    """Return in what *ours* differs from *plain*: nothing, if it is as promised.

    Args:
        plain: what setuptools makes.
        ours: what we make of the same project, at the same path.
        may_leave: patterns of the paths in the root that an editable install has to change.
        epoch: the SOURCE_DATE_EPOCH of both, if any.
    """
    found: list[str] = []
    for hook, outcome in plain.outcomes.items():
        found += (f"{hook}: {line}" for line in _between(hook, outcome, plain, ours, epoch))
        changed = [
            path
            for path in ours.outcomes[hook].changed
            if hook != "build_editable" or not any(fnmatch(path, like) for like in may_leave)
        ]
        found += (f"{hook} changes {path}" for path in changed)
    return found


def of_sample(
    name: str, place: Path, python: str = sys.executable, environment: dict[str, str] | None = None
) -> tuple[Made, list[str]]:
    """Build one of ``tests/samples`` with both.

    Args:
        name: which.
        place: where to work.
        python: the interpreter to build with.
        environment: further variables for it.

    Returns:
        What setuptools made, and the differences.
    """
    clean = shutil.copytree(SAMPLES / name, place / "clean", symlinks=True)
    for leftover in EARLIER_STAGING.get(name, ()):
        shutil.rmtree(clean / leftover)
    suffix = ":__legacy__" if name in LEGACY else ""
    plain, ours = (
        make(
            HookProcess(
                backend + suffix, place / "root", pristine, environment or {}, python=python
            ),
            place / backend,
        )
        for backend, pristine in ((PLAIN, clean), (OURS, SAMPLES / name))
    )
    epoch = (environment or {}).get("SOURCE_DATE_EPOCH")
    return plain, differences(plain, ours, LEFT_BY_EDITABLE.get(name, ()), epoch)


def of_tree(
    project: Outside,
    place: Path,
    hooks: Iterable[str] = HOOKS,
    python: str = sys.executable,
    environment: dict[str, str] | None = None,
) -> tuple[Made, list[str]]:
    """Build a project that is made of more than its root with both.

    Args:
        project: which.
        place: where to work.
        hooks: the names of the hooks.
        python: the interpreter to build with.
        environment: further variables for it.

    Returns:
        What setuptools made; and in what we differ, in the tree or out of it, and what we leave.
    """
    expected = {"pristine", "tree", PLAIN, OURS, *(path.name for path in place.iterdir())}
    project.write(place / "pristine")
    tree = place / "tree"
    made: dict[str, Made] = {}
    for backend in (PLAIN, OURS):
        temporary = place / backend / "tmp"
        temporary.mkdir(parents=True)
        variables = {"TMPDIR": str(temporary), "CFLAGS": "-O0 -g0"} | (environment or {})
        process = HookProcess(
            backend,
            tree / project.root,
            place / "pristine",
            variables,
            python=python,
            tree=tree,
        )
        made[backend] = make(process, place / backend / "out", hooks)
    may_leave = [str(Path(project.root, name)) for name in project.may_leave]
    left = [
        str(path)
        for path in (place / OURS / "tmp").rglob("*")
        if path.is_file() and not KEPT.fullmatch(path.name) and "bytecode" not in path.parts
    ]
    beside = [path.name for path in place.iterdir() if path.name not in expected]
    return made[PLAIN], differences(made[PLAIN], made[OURS], may_leave) + left + beside


def _between(
    hook: str, outcome: Outcome, plain: Made, ours: Made, epoch: str | None
) -> Iterator[str]:
    other = ours.outcomes[hook]
    if _is_told_later(hook, outcome, ours):
        return
    if (outcome.error, outcome.result) != (other.error, other.result):
        yield f"{other.result or other.message}, not {outcome.result or outcome.message}"
    elif outcome.error:
        return
    elif hook.startswith("prepare_"):
        yield from _unlike(_metadata(plain.out / hook), _metadata(ours.out / hook))
    elif hook.startswith("build_"):
        one = particulars(plain.out / hook / outcome.result, plain.began)
        two = particulars(ours.out / hook / other.result, ours.began)
        if epoch is not None:
            one = reproducible(one, int(epoch))
        yield from _unlike(dict(one), dict(two))
        if one != two and dict(one) == dict(two):
            yield "another order"
    if hook.startswith("build_"):  # the others do without the list of files, and what it warns of
        yield from _otherwise_warned(outcome.warned, other.warned, plain, ours)
    made = {path.name for path in (ours.out / hook).iterdir()}
    if made - {path.name for path in (plain.out / hook).iterdir()}:
        yield f"also makes {sorted(made)}"


def _is_told_later(hook: str, outcome: Outcome, ours: Made) -> bool:
    """Tell whether what is wrong in setuptools' ``get_requires_*`` is said by our build hook.

    Word by word: build requirements are told without a look at the rest (docs/limits.md).
    """
    if not hook.startswith("get_requires_") or ours.outcomes[hook].error:
        return False
    later = ours.outcomes.get(hook.removeprefix("get_requires_for_"))
    return (
        later is not None
        and bool(outcome.error)
        and (later.error, later.message) == (outcome.error, outcome.message)
    )


def _otherwise_warned(one: list[str], two: list[str], plain: Made, ours: Made) -> Iterator[str]:
    """Compare what two hooks have said on the standard error stream, wherever they worked."""
    first, second = (
        [_without_places(line, made) for line in lines if not _OF_STAGING.search(line)]
        for lines, made in ((one, plain), (two, ours))
    )
    if first != second:
        yield from (line for line in ndiff(first, second) if line[0] in "+-")


def _without_places(line: str, made: Made) -> str:
    """Return *line* without what tells where a hook worked."""
    line = re.sub(f"{_SLOT}{made.root}/", "", line)
    return _PASSING.sub("", line).replace(str(made.out), "OUT")


def _unlike(plain: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    for name in sorted(plain.keys() | ours.keys()):
        one, two = plain.get(name), ours.get(name)
        if one is None or two is None:
            yield f"{name} is {'missing' if two is None else 'in ours only'}"
        elif isinstance(one, dict):
            yield from (f"{name}: {line}" for line in _unlike(one, two))
        elif one != two:
            yield f"{name} {two!r}, not {one!r}"


def _metadata(out: Path) -> dict[str, Any]:
    """Return what ``prepare_metadata`` made, less the file list of its passing egg-info.

    That is no part of the metadata, and has absolute paths of the frontend's directory in it.
    """
    found = snapshot(out)
    return {name: value for name, value in found.items() if not name.endswith("SOURCES.txt")}
