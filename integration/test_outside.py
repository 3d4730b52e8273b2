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
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import outside
from artifacts import members, text
from backends import HOOKS, OURS, PLAIN, SAMPLES
from trial import of_tree

from .conftest import once
from .corpus import environment
from .corpus.errors import CorpusError
from .crowd import Place, cases, compiler
from .frontends import Finished, failures
from .namespaces import READ_ONLY, mounted
from .test_private_trees import User, user  # noqa: F401 - a fixture
from .versions import VERSIONS
from .versions.trial import NO_PATH, Setuptools

#: Rounds, and those of a control, whose builds may well come out right.
ROUNDS, CONTROLS = 20, 3

#: How many builds begin at the same instant.
WHEELS, BOTH, PROBES = 6, 8, 8


MARK = re.compile(rb"(core|sub|common|helper)-(\d+)-")

pytestmark = pytest.mark.usefixtures("whole_machine")


@pytest.fixture(scope="module")
def python(user: User) -> str:  # noqa: F811
    return environment.create(user.place / "env", [], user.base).python


@pytest.fixture
def place(user: User, python: str) -> Iterator[Place]:  # noqa: F811
    path = user.directory("place")
    user.directory("tmp", path)
    yield Place(path, user, python)
    shutil.rmtree(path)


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


@cases("steps", [outside.DEPTH], dict.fromkeys(range(1, outside.DEPTH + 1), ROUNDS))
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


@cases("hook", ["build_wheel", "build_editable"], {"build_wheel": ROUNDS, "build_editable": ROUNDS})
def test_beyond_the_file_system_in_parallel_and_editable(
    hook: str, rounds: int, place: Place
) -> None:
    """With ``build_ext -j``, where the extensions share a source; an editable install in turn."""
    root = place.write(outside.compiled(2, beyond=True))
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


@cases(
    "name",
    ["above"],
    dict.fromkeys([*outside.PACKAGES, *outside.TEMPLATES[-2:]], CONTROLS)
    | dict.fromkeys(["above", "beside"], ROUNDS),
)
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
    for _ in range(CONTROLS):
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
    assert collisions


@pytest.mark.long
@pytest.mark.parametrize("version", [version for version in VERSIONS if version])
def test_other_versions_of_setuptools(version: str, common: Path, tmp_path: Path) -> None:
    def make(place: Path) -> None:
        Setuptools(place).prepare(version)

    try:
        setuptools = Setuptools(once(common / f"setuptools-{version}", make))
    except CorpusError as error:
        pytest.skip(str(error))
    found = []
    projects = [*outside.PACKAGES.values(), *map(outside.with_template, outside.TEMPLATES)]
    trials = [(project, list(HOOKS)) for project in projects]
    compiling = ["build_wheel", "build_editable"]
    trials += [(outside.compiled(steps), [hook]) for steps in (2, 6) for hook in compiling]
    for number, (project, hooks) in enumerate(trials):
        place = tmp_path / str(number)
        place.mkdir()
        plain, differences = of_tree(project, place, hooks, str(setuptools.python), NO_PATH)
        if plain.failures:  # up to 70.1, build_clib relies on a build_temp that is there already
            assert hooks == ["build_wheel"]
            assert "gcc" in plain.failures["build_wheel"]
        else:
            found += differences
    assert found == []


@pytest.mark.parametrize("rounds", [1, pytest.param(ROUNDS, marks=pytest.mark.long)])
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
            result.last_line if result.status else members(place.artifact(number))
            for number, result in enumerate(results)
        ]

    renew()
    (right,) = answers(place.build(PLAIN, tree, ["build_wheel"]))
    assert {True, False} == set(json.loads(text(place.artifact(0), "answers.json")).values())
    renew()
    before = place.around()
    for _ in range(rounds):
        assert answers(place.build(OURS, tree, ["build_wheel"] * PROBES)) == [right] * PROBES
        assert place.around() == before
        assert place.left() == []
    assert any(
        answers(place.build(PLAIN, tree, ["build_wheel"] * PROBES)) != [right] * PROBES
        for _ in range(CONTROLS)
    )
