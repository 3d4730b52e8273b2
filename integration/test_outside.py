"""Projects that are made of more than what lies in their root, built many times at once.

By the superuser and by an ordinary user. The windows are wide: when the compiler has made an
object, it waits until every other build has made the same one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import outside
from artifacts import members, text
from backends import HOOKS, OURS, PLAIN, SAMPLES
from outside import Outside
from snapshot import Snapshot, snapshot

from .corpus import environment
from .frontends import Command, Finished, failures, run_at_once
from .namespaces import READ_ONLY, mounted
from .test_private_trees import User, user, variables  # noqa: F401 - a fixture

ROUNDS = pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.long)])

#: How many builds begin at the same instant.
WHEELS, BOTH, PROBES = 6, 8, 8

ENV = shutil.which("env") or "env"

#: A frontend that does no more than call a hook.
CALL = """\
import json, sys, {} as backend
hook, out, *more = sys.argv[1:]
getattr(backend, hook)(out, *map(json.loads, more))
"""

COMPILER = """\
#!/bin/sh
{compiler} "$@" || exit
[ -n "$MEETING" ] || exit 0
case "$*" in *" -c "*core/*.c*) ;; *) exit 0 ;; esac
source=$(echo "$*" | sed 's|.* -c \\([^ ]*\\) .*|\\1|; s|.*core/||; s|/|.|g')
mkdir -p "$MEETING/$source"
: > "$MEETING/$source/$VALUE"
for _ in $(seq 3000); do
    set -- "$MEETING/$source"/*
    [ $# -lt {builds} ] || exit 0
    sleep 0.02
done
echo "nobody else compiles $source" >&2
exit 1
"""

MARK = re.compile(rb"(core|sub|common|helper)-(\d+)-")

pytestmark = pytest.mark.usefixtures("whole_machine")


@dataclass(frozen=True)
class Place:
    """A directory of a user's with a tree, and with what its builds need.

    Attributes:
        path: the directory.
        user: whose it is.
        python: what to build with.
    """

    path: Path
    user: User
    python: str

    @property
    def tree(self) -> Path:
        """What the project is made of."""
        return self.path / "around" / "tree"

    def write(self, project: Outside) -> Path:
        """Write *project* into the tree, which is emptied, and return its root."""
        shutil.rmtree(self.path / "around", ignore_errors=True)
        root = project.write(self.tree)
        self.user.take(self.path / "around")
        return root

    def build(
        self,
        backend: str,
        root: Path,
        hooks: Iterable[str],
        options: str = "null",
        before: Iterable[str] = (),
        **more: str,
    ) -> list[Finished]:
        """Call *hooks* at once, each into the directory ``out/NUMBER``, with VALUE its number.

        Args:
            backend: whose.
            root: the project root.
            hooks: their names.
            options: the config_settings, as JSON.
            before: what to put before the commands.
            **more: further variables.
        """
        shutil.rmtree(self.path / "out", ignore_errors=True)
        self.user.directory("out", self.path)
        commands = []
        for number, hook in enumerate(hooks):
            out = self.user.directory(str(number), self.path / "out")
            words = [self.python, "-c", CALL.format(backend), hook, str(out)]
            if HOOKS[hook]:
                words.append(options)
            commands.append(
                Command([ENV, *before, *self.user.prefix, *words], root, {"VALUE": str(number)})
            )
        inherited = variables(self.path / "tmp") | more
        return run_at_once(commands, inherited, self.path / "logs")

    def artifact(self, number: int) -> Path:
        """Return what the hook *number* has made."""
        (made,) = (self.path / "out" / str(number)).iterdir()
        return made

    def around(self) -> Snapshot:
        """Return all that is in the tree, and beside it."""
        return snapshot(self.path / "around")

    def left(self) -> list[str]:
        """Return what is left in TMPDIR, besides locks and compiled files of setuptools."""
        return [
            str(path)
            for path in (self.path / "tmp").rglob("*")
            if path.suffix != ".lock" and "bytecode" not in path.parts and not _holds_locks(path)
        ]


def _holds_locks(path: Path) -> bool:
    """Tell whether *path* is the directory of all slots, or that of a project's."""
    slots = (path.name, path.parent.name)
    return path.is_dir() and any(re.fullmatch(r"isolated-backend\.\d+", name) for name in slots)


@pytest.fixture(scope="module")
def python(user: User) -> str:  # noqa: F811
    return environment.create(user.place / "env", [], user.base).python


@pytest.fixture
def place(user: User, python: str) -> Iterator[Place]:  # noqa: F811
    path = user.directory("place")
    user.directory("tmp", path)
    yield Place(path, user, python)
    shutil.rmtree(path)


def compiler(place: Place, builds: int) -> Path:
    """Write a C compiler that waits until *builds* have made the object that it has made."""
    path = place.path / "gcc"
    real = shutil.which("gcc")
    if real is None:
        pytest.skip("there is no gcc")
    path.write_text(COMPILER.format(compiler=real, builds=builds))
    path.chmod(0o755)
    return path


def wrong(place: Place, results: list[Finished]) -> list[str]:
    """Return what is wrong in the wheels: extensions that hold what another build has compiled."""
    found = []
    for number, result in enumerate(results):
        if result.status:
            found.append(result.last_line)
            continue
        with zipfile.ZipFile(place.artifact(number)) as wheel:
            for name, marks in outside.MARKS.items():
                for member in wheel.namelist():
                    if member.startswith(f"{name}.") and member.endswith(".so"):
                        held = {match.groups() for match in MARK.finditer(wheel.read(member))}
                        right = {(mark.encode(), str(number).encode()) for mark in marks}
                        if held != right:
                            found.append(f"{number}: {name} holds {sorted(held)}")
    return found


@ROUNDS
@pytest.mark.parametrize("steps", range(1, outside.DEPTH + 1))
def test_wheels_of_sources_that_climb(
    steps: int, rounds: int, place: Place, record_property: Callable[[str, object], None]
) -> None:
    """And the control: setuptools' builds share the objects."""
    root = place.write(outside.compiled(steps))
    before = place.around()
    shared = 0
    for turn in range(rounds):
        meeting = place.user.directory(f"meeting{turn}", place.path)
        more = {"CC": str(compiler(place, WHEELS)), "MEETING": str(meeting)}
        results = place.build(OURS, root, ["build_wheel"] * WHEELS, **more)
        assert wrong(place, results) == []
        assert place.around() == before
        assert place.left() == []
        shutil.rmtree(meeting)
    place.write(outside.compiled(steps))
    meeting = place.user.directory("meeting", place.path)
    results = place.build(
        PLAIN, root, ["build_wheel"] * WHEELS, MEETING=str(meeting), CC=more["CC"]
    )
    shared = len(wrong(place, results))
    assert shared
    figures = f"{rounds} x {WHEELS} wheels, {steps} steps: 0 wrong; setuptools {shared} of {WHEELS}"
    record_property("figures", figures)


@ROUNDS
@pytest.mark.parametrize("hook", ["build_wheel", "build_editable"])
@pytest.mark.parametrize("steps", [2, outside.DEPTH])
def test_beyond_the_file_system_in_parallel_and_editable(
    steps: int, hook: str, rounds: int, place: Place
) -> None:
    """With ``build_ext -j``, where the extensions share a source; an editable install in turn."""
    root = place.write(outside.compiled(steps, beyond=True))
    before = place.around()
    options = {"build_wheel": '{"--build-option": ["build_ext", "-j2"]}'}.get(hook, "null")
    for turn in range(rounds):
        more = {"CC": "gcc"}
        if hook == "build_wheel":
            meeting = place.user.directory(f"meeting{turn}", place.path)
            more = {"CC": str(compiler(place, WHEELS)), "MEETING": str(meeting)}
        results = place.build(OURS, root, [hook] * WHEELS, options, **more)
        if hook == "build_wheel":
            assert wrong(place, results) == []
            shutil.rmtree(meeting)
        assert failures(results) == []
        assert place.left() == []
        after = place.around()
        for name in after.keys() - before.keys():
            assert hook == "build_editable"
            assert re.fullmatch(r"tree/a/b/c/d/e/f/demo/(sub/)?_core.*\.so", name)
        changed = {name for name in before if after.get(name) != before[name]}
        assert changed <= ({"tree/a/b/c/d/e/f/demo"} if hook == "build_editable" else set())


@ROUNDS
@pytest.mark.parametrize("name", [*outside.PACKAGES, *outside.TEMPLATES[-2:]])
def test_sdists_and_wheels_of_what_lies_outside(name: str, rounds: int, place: Place) -> None:
    """Also from a tree that cannot be written, if this user can have one."""
    project = outside.PACKAGES.get(name) or outside.with_template(name)
    hooks = ["build_sdist", "build_wheel"] * (BOTH // 2)
    root = place.write(project)
    assert failures(place.build(PLAIN, root, hooks[:1])) == []
    right = {"build_sdist": members(place.artifact(0))}
    root = place.write(project)
    assert failures(place.build(PLAIN, root, hooks[1:2])) == []
    right["build_wheel"] = members(place.artifact(0))
    collisions = 0
    for _ in range(rounds):
        place.write(project)
        results = place.build(PLAIN, root, hooks)
        collisions += any(
            result.status or members(place.artifact(number)) != right[hook]
            for number, (hook, result) in enumerate(zip(hooks, results, strict=True))
        )
    root = place.write(project)
    before = place.around()
    ways: list[list[str]] = [[]]
    if os.geteuid() == 0 == place.user.number:
        ways.append(mounted(READ_ONLY.format(place.path / "around")))
    for turn in range(rounds * len(ways)):
        results = place.build(OURS, root, hooks, before=ways[turn % len(ways)])
        assert failures(results) == []
        for number, hook in enumerate(hooks):
            assert members(place.artifact(number)) == right[hook]
        assert place.around() == before
        assert place.left() == []
    assert collisions or rounds == 1


@ROUNDS
def test_probes(rounds: int, place: Place) -> None:
    """The same answers as of setuptools alone. At once, setuptools fails or gives others."""
    project = SAMPLES / "probes"
    tree = place.tree

    def renew() -> None:
        shutil.rmtree(place.path / "around", ignore_errors=True)
        shutil.copytree(project, tree)
        place.user.take(place.path / "around")

    def answers(results: list[Finished]) -> list[object]:
        return [
            result.last_line
            if result.status
            else json.loads(text(place.artifact(number), "answers.json"))
            for number, result in enumerate(results)
        ]

    renew()
    (right,) = answers(place.build(PLAIN, tree, ["build_wheel"]))
    assert isinstance(right, dict)
    assert {True, False} == set(right.values())
    harm = 0
    for _ in range(rounds):
        renew()
        before = place.around()
        assert answers(place.build(OURS, tree, ["build_wheel"] * PROBES)) == [right] * PROBES
        assert place.around() == before
        assert place.left() == []
        harm += answers(place.build(PLAIN, tree, ["build_wheel"] * PROBES)) != [right] * PROBES
    assert harm
