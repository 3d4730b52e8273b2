"""Rounds: the contestants take turns, and who begins takes turns, too."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from .contestants import OURS, Contestant
from .errors import BenchmarkError, UnavailableError
from .measurement import Bench, Measurement
from .scenario import Scenario

T = TypeVar("T")


def order(contestants: Sequence[T], number: int) -> list[T]:
    """Return the order of the round *number*.

    In two rounds that follow each other everyone is as often before any other one as after it;
    and everyone begins at some time.
    """
    turn = number // 2 % len(contestants)
    rotated = [*contestants[turn:], *contestants[:turn]]
    return rotated[::-1] if number % 2 else rotated


def play(
    scenario: Scenario,
    contestants: Sequence[Contestant],
    pairs: int,
    bench: Bench,
    say: Callable[[str], None],
) -> dict[Contestant, list[Measurement]]:
    """Measure so many rounds, after one that does not count.

    That one fills the caches of the disk, compiles modules, warms uv's cache, and shows whether
    all make artifacts with the same modules.

    Args:
        scenario: what is to be done.
        contestants: who is to do it; ours first.
        pairs: how many rounds to measure.
        bench: where.
        say: is told, in a line, who cannot take part.

    Returns:
        The measurements of each contestant, in the order of the rounds.

    Raises:
        UnavailableError: the scenario is not possible here.
        BenchmarkError: ours, or all others, cannot take part.
    """
    playing: list[Contestant] = []
    expected: set[str] = set()
    for contestant in contestants:
        modules, obstacle = _tried(contestant, scenario, bench)
        expected = expected or modules or set()
        unlike = [] if modules is None else sorted(modules ^ expected)
        if unlike and scenario.task.kind != "editable":
            obstacle = obstacle or f"its artifact has other modules: {', '.join(unlike[:3])}"
        if not obstacle:
            playing.append(contestant)
        elif contestant == OURS:
            raise BenchmarkError(obstacle)
        else:
            say(f"without {contestant.name}: {obstacle}")
    if len(playing) < 2:
        raise BenchmarkError("there is nothing to compare with")
    measured: dict[Contestant, list[Measurement]] = {contestant: [] for contestant in playing}
    for number in range(pairs):
        for contestant in order(playing, number):
            measured[contestant].append(bench.measure(contestant, scenario)[0])
    return measured


def _tried(contestant: Contestant, scenario: Scenario, bench: Bench) -> tuple[set[str] | None, str]:
    """Return the modules in what a contestant makes, and why it cannot take part.

    Either may be missing: what makes nothing has no modules, and what takes part has no reason.
    Builds that fail only when others are at work belong to what is measured.
    """
    try:
        measurement, artifacts = bench.measure(contestant, scenario)
    except UnavailableError:
        raise
    except BenchmarkError as error:
        return None, str(error)
    modules = set().union(*map(_modules, artifacts)) if artifacts else None
    return modules, measurement.error if scenario.at_once == 1 else ""


def _modules(artifact: Path) -> set[str]:
    """Return the names of the Python files in an artifact."""
    if artifact.suffix == ".whl":
        with zipfile.ZipFile(artifact) as wheel:
            names = wheel.namelist()
    else:
        with tarfile.open(artifact) as sdist:
            names = [name.partition("/")[2] for name in sdist.getnames()]
    return {name for name in names if name.endswith(".py")}
