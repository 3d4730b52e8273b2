"""``isolated-backend adopt``: have a project built by isolated_backend, and take that back."""

from __future__ import annotations

import difflib
import os
import re
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from ..errors import BackendError
from ..settings import Settings
from ..writers import nested
from ..writers.access import Access
from . import project, vendored
from .adoption import Adoption, digest
from .errors import CommandError
from .project import BACKEND_REQUIRES, DISTRIBUTION
from .pyproject import Pyproject
from .rewrite import rewrite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import PurePosixPath

    from packaging.requirements import Requirement

_OLDEST_SETUPTOOLS = 64


def command(path: str, in_tree: str | None, *, dry_run: bool) -> int:
    """Have the project in *path* built by isolated_backend; return the exit status.

    Args:
        path: the project's directory.
        in_tree: the directory in it that the backend is to be copied to, if it is.
        dry_run: show what would change, and change nothing.

    Raises:
        CommandError: setuptools does not build it, it is adopted already, or it cannot be written.
    """
    root = Path(os.path.realpath(path))
    if dry_run:
        plan = _plan(path, in_tree)
        if plan.package:
            place = f"{plan.directory}/isolated_backend"
            print(f"Would copy the backend, {len(plan.package)} files, to {place}", file=sys.stderr)
        _show(plan.pyproject.content, plan.content)
        return 0
    with _alone(root):
        plan = _plan(path, in_tree)
        _carry_out(plan)
    print(
        f"{plan.name}: pyproject.toml names {plan.backend} now (it was {plan.was}).\n"
        "See what it does with `isolated-backend check`; "
        "take it back with `isolated-backend adopt --undo`."
    )
    return 0


def undo(path: str, *, dry_run: bool) -> int:
    """Make the project in *path* what it was before :func:`command`; return the exit status.

    Args:
        path: the project's directory.
        dry_run: show what would change, and change nothing.

    Raises:
        CommandError: it has not been adopted, or it has changed since.
    """
    root = Path(os.path.realpath(path))
    with _alone(root):
        adoption = Adoption.kept(root)
        if adoption is None:
            raise CommandError(
                f"There is nothing to undo: this user has not adopted isolated_backend in {root}, "
                "or has undone it already."
            )
        current = _untouched(adoption)
        if dry_run:
            if adoption.directories:
                print(f"Would remove {adoption.directories[0]}", file=sys.stderr)
            _show(current, adoption.before)
            return 0
        with _written(root):
            _restore(root / "pyproject.toml", current, adoption)
            vendored.remove(root, adoption.directories)
        adoption.forget()
    print(f"{root.name}: everything is as it was before isolated_backend was adopted.")
    return 0


# --- what is to be done -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """What is to be changed in a project.

    Attributes:
        name: the project's name.
        was: the backend that it has.
        backend: the backend that it gets.
        pyproject: its pyproject.toml.
        content: what that is to hold.
        directory: where the backend is to go, relative to the root, if it is.
        package: the files of the backend that go there.
    """

    name: str
    was: str
    backend: str
    pyproject: Pyproject
    content: bytes
    directory: PurePosixPath | None
    package: Mapping[str, bytes]


def _plan(path: str, in_tree: str | None) -> _Plan:
    subject = project.find(path)
    pyproject = Pyproject.read(subject.root)
    if subject.named_backend == subject.our_backend:
        raise CommandError(f"{subject.name} is built by {subject.our_backend} already.")
    if "backend-path" in pyproject.build_system:
        raise CommandError(
            f"{subject.name} takes its backend from its own tree (`backend-path`); "
            "isolated_backend cannot take the place of that."
        )
    _refuse_strange_link(pyproject.path)
    _refuse_old_setuptools(pyproject)
    if in_tree is None:
        directory, package, wanted = None, dict[str, bytes](), [DISTRIBUTION]
        if not pyproject.build_system:
            wanted.insert(0, "setuptools")
    else:
        directory, package = vendored.place(pyproject, in_tree), vendored.files()
        wanted = list(BACKEND_REQUIRES)
    content = pyproject.adopting(
        subject.our_backend,
        [each for each in wanted if not pyproject.requires(_name(pyproject.requirement(each)))],
        None if directory is None else str(directory),
    )
    was = subject.named_backend
    if "build-backend" not in pyproject.build_system:
        was += ", by default"
    return _Plan(subject.name, was, subject.our_backend, pyproject, content, directory, package)


def _name(requirement: Requirement) -> str:
    return canonicalize_name(requirement.name)


def _refuse_strange_link(path: Path) -> None:
    """Refuse a pyproject.toml that may be other projects', too."""
    if path.is_symlink():
        target = Path(os.path.realpath(path))
        if not target.is_file() or path.parent not in target.parents:
            raise CommandError(
                f"{path} is a link to {target}, which is not a file of this project; "
                "edit that by hand."
            )


def _refuse_old_setuptools(pyproject: Pyproject) -> None:
    """Refuse build requirements that no setuptools that we know could meet."""
    for requirement in pyproject.requires("setuptools"):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        if requirement.url is None and not _admits_a_known_one(requirement):
            raise CommandError(
                f"{pyproject.path} requires {requirement}, and isolated_backend needs "
                f"setuptools {_OLDEST_SETUPTOOLS} or later; make room for that first."
            )


def _admits_a_known_one(requirement: Requirement) -> bool:
    """Tell whether there may be a setuptools that is new enough and that *requirement* admits."""
    bounds = [bound.version.removesuffix(".*") for bound in requirement.specifier]
    # A bound itself, what comes right after it, and any whole version.
    candidates = [*bounds, *(f"{bound}.1" for bound in bounds), *map(str, range(64, 1000))]
    return any(
        int(re.match(r"v?(?:\d+!)?(\d+)", version)[1]) >= _OLDEST_SETUPTOOLS  # type: ignore[index]
        for version in requirement.specifier.filter(candidates, prereleases=True)
    )


# --- doing it -----------------------------------------------------------------------------------


def _carry_out(plan: _Plan) -> None:
    """Change the project: first what nobody looks at yet, the one line that counts at the end."""
    path = plan.pyproject.path
    root = path.parent
    before = plan.pyproject.content
    adoption = Adoption(
        root,
        before,
        path.stat().st_mtime_ns if before is not None else 0,
        digest(plan.content),
        vendored.made(root, plan.directory) if plan.directory else [],
        vendored.digests(plan.directory, plan.package) if plan.directory else {},
    )
    adoption.keep()
    with _written(root), ExitStack() as otherwise:
        otherwise.callback(adoption.forget)
        if plan.directory:
            vendored.put(root, plan.directory, plan.package)
            otherwise.callback(vendored.remove, root, adoption.directories)
        rewrite(path, plan.content)
        otherwise.pop_all()


def _untouched(adoption: Adoption) -> bytes | None:
    """Return what pyproject.toml holds, unless somebody has changed it since.

    Raises:
        CommandError: it, or the copy of the backend, is not what *adoption* has made of it.
    """
    pyproject = Pyproject.read(adoption.root)
    changed = None
    # Somebody may have restored it already, or adopting was killed before it had got there.
    if pyproject.content != adoption.before and digest(pyproject.content) != adoption.after:
        changed = "pyproject.toml"
    else:
        changed = vendored.strange(adoption.root, adoption.directories, adoption.vendored)
    if changed is not None:
        raise CommandError(
            f"{adoption.root / changed} has changed since isolated_backend was adopted, "
            "and undoing would lose that; nothing is undone."
        )
    return pyproject.content


def _restore(path: Path, current: bytes | None, adoption: Adoption) -> None:
    """Make the pyproject.toml at *path* what it was before *adoption*."""
    if adoption.before is None:
        path.unlink(missing_ok=True)
    elif current != adoption.before:
        rewrite(path, adoption.before)
        os.utime(path, ns=(adoption.written, adoption.written))


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Keep builds by isolated_backend away: they lock the pyproject.toml that is replaced here."""
    if not root.is_dir():
        raise CommandError(f"{root} is not a directory.")
    try:
        mode = "allow" if nested.is_nested(str(root)) else "lock"
        access = Access(str(root), mode, timeout=Settings().lock_timeout, writer="adopt")
        with access.granted():
            yield
    except BackendError as error:
        raise CommandError(str(error)) from error


@contextmanager
def _written(root: Path) -> Iterator[None]:
    """Say in a sentence that something in *root* cannot be written."""
    try:
        yield
    except OSError as error:
        place = error.filename if isinstance(error.filename, str | os.PathLike) else root
        raise CommandError(f"{place} cannot be written: {error.strerror}.") from error


# --- showing it ---------------------------------------------------------------------------------


def _show(before: bytes | None, after: bytes | None) -> None:
    """Print the difference as a patch, byte for byte."""
    old = "/dev/null" if before is None else "a/pyproject.toml"
    new = "/dev/null" if after is None else "b/pyproject.toml"
    sys.stdout.flush()
    for line in difflib.unified_diff(_lines(before), _lines(after), old, new):
        end = "" if line.endswith("\n") else "\n\\ No newline at end of file\n"
        sys.stdout.buffer.write((line + end).encode())
    sys.stdout.buffer.flush()


def _lines(content: bytes | None) -> list[str]:
    """Return the lines of *content* with their ends; only a line feed ends one."""
    return re.findall(r"[^\n]*\n|[^\n]+", (content or b"").decode())
