"""Promise 1: any number of frontends, one checkout, at once."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from artifacts import members
from snapshot import Snapshot, snapshot

from .conftest import Environment
from .frontends import Reference, build_command, contents, failures, reference, run_at_once
from .projects import SDIST, WHEEL
from .test_killed import HIDDEN, name_of

FRONTENDS = 16
ARTIFACTS = [SDIST, WHEEL]

ROUNDS = pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.long)])

pytestmark = pytest.mark.usefixtures("whole_machine")


@ROUNDS
def test_sixteen_frontends_into_directories_of_their_own(
    rounds: int, crowded: Path, venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    """No build fails, each artifact is setuptools', and the root is unchanged to the byte."""
    right = reference(venv.python, crowded, tmp_path / "reference")
    before = snapshot(crowded)
    for turn in range(rounds):
        out = tmp_path / f"out{turn}"
        directories = [out / str(number) for number in range(FRONTENDS)]
        results = run_at_once(_commands(venv, crowded, directories), env, out / "logs")

        assert failures(results) == []
        assert snapshot(crowded) == before
        for directory in directories:
            assert contents(directory) == right.members


@ROUNDS
def test_sixteen_frontends_into_the_default_directory(
    rounds: int, crowded: Path, venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    """All publish into ``dist/`` in the root, where at no moment anything but an artifact is.

    One that is about to replace an older one has a hidden name for an instant, and is complete.
    """
    right = reference(venv.python, crowded, tmp_path / "reference")
    before = snapshot(crowded)
    dist = crowded / "dist"
    for turn in range(rounds):
        with _watched(dist, right) as seen:
            results = run_at_once(
                _commands(venv, crowded, [dist] * FRONTENDS), env, tmp_path / f"logs{turn}"
            )

        assert failures(results) == []
        assert _without(snapshot(crowded), "dist") == before
        assert contents(dist) == right.members
        assert seen.wrong == []


@ROUNDS
def test_plain_setuptools_collides_under_the_same_load(
    rounds: int, crowded_plain: Path, venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    """The control: builds fail or differ in every round, or the tests above would prove nothing."""
    right = reference(venv.python, crowded_plain, tmp_path / "reference")
    for turn in range(rounds):
        out = tmp_path / f"out{turn}"
        directories = [out / str(number) for number in range(FRONTENDS)]
        results = run_at_once(_commands(venv, crowded_plain, directories), env, out / "logs")

        collisions = [
            directory
            for directory, result in zip(directories, results, strict=True)
            if result.status or contents(directory) != right.members
        ]
        assert collisions


def _commands(venv: Environment, root: Path, directories: list[Path]) -> list[list[str]]:
    """Return a frontend for each directory; each builds an sdist and a wheel from the checkout."""
    return [
        build_command(venv.python, root, "-n", "--sdist", "--wheel", "--outdir", str(directory))
        for directory in directories
    ]


def _without(found: Snapshot, directory: str) -> Snapshot:
    """Return *found* less the frontend's own output directory in the root."""
    return {name: value for name, value in found.items() if Path(name).parts[0] != directory}


@dataclass
class _Seen:
    """What a watcher of a directory has seen."""

    looks: int = 0
    wrong: list[str] = field(default_factory=list)


@contextmanager
def _watched(directory: Path, right: Reference) -> Iterator[_Seen]:
    """Look at *directory* again and again: it may only ever hold the right artifacts, whole."""
    seen = _Seen()
    over = threading.Event()

    def watch() -> None:
        for name in itertools.cycle(ARTIFACTS):
            for path in directory.glob("*"):
                expected = right.members.get(name_of(path.name))
                if expected is None:
                    seen.wrong.append(path.name)
                elif path.name.endswith(HIDDEN):
                    with suppress(FileNotFoundError):  # it has its own name by now
                        if members(path) != expected:
                            seen.wrong.append(path.name)
            if (directory / name).exists():
                seen.looks += 1
                if members(directory / name) != right.members[name]:
                    seen.wrong.append(name)
            if over.wait(0.05):
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
