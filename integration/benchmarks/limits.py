"""What has to hold, and whether it does: paired with others, of each hook, and as trees grow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .contestants import CONTESTANTS, COPY, FLOCK, OURS, PLAIN, Contestant
from .ratios import Ratio
from .scenario import Scenario
from .tasks import HOOKS, TASKS
from .trees import TREES

if TYPE_CHECKING:
    from .results import Results

#: No hook may take more of setuptools' time than this, and no build more of its memory than that.
_HOOK, _MEMORY = 1.02, 1.05
_EACH_HOOK, _EACH_BUILD = "each hook: time of setuptools", "each build alone: memory of setuptools"

#: How many times as long 10,000 files may take as 3,000.
_GROWTH = 3.6


@dataclass(frozen=True)
class Finding:
    """What there is to say about a limit.

    Attributes:
        about: what is limited.
        most: the limit.
        measured: the ratio, or a plain number; ``None`` if it has not been measured.
        failures: how many builds of ours failed.
        group: the limit that it is one case of, if there are many.
    """

    about: str
    most: float
    measured: Ratio | float | None = None
    failures: int = 0
    group: str = ""

    @property
    def value(self) -> float | None:
        """What is to be compared with the limit."""
        return self.measured.median if isinstance(self.measured, Ratio) else self.measured

    @property
    def missed(self) -> bool:
        """Whether the limit does not hold."""
        return bool(self.failures) or (self.value is not None and self.value > self.most)

    @property
    def verdict(self) -> str:
        """One word or two."""
        if self.missed:
            return "missed"
        return "not measured" if self.value is None else "held"

    @property
    def figure(self) -> str:
        """What was measured, as text."""
        figure = f"{self.measured:.2f}" if isinstance(self.measured, float) else self.measured
        failures = f"{self.failures} of ours failed" if self.failures else ""
        return ", ".join(str(part) for part in (figure, failures) if part)

    def __str__(self) -> str:
        figure = self.figure and f": {self.figure}"
        return f"{self.verdict:12} {self.about} ≤ {self.most:.2f}{figure}"


@dataclass(frozen=True)
class Limit:
    """How much of another one's time ours may take.

    Attributes:
        tree: the name of the tree.
        task: the name of the task.
        against: whom it is paired with.
        most: the greatest median of the ratios.
        at_once: how many builds at once.
    """

    tree: str
    task: str
    against: Contestant
    most: float
    at_once: int = 1

    @property
    def scenario(self) -> Scenario:
        """Where it is measured."""
        return Scenario(TREES[self.tree], TASKS[self.task], self.at_once)

    def finding(self, results: Results) -> Finding:
        """Return what the results say."""
        scenario = self.scenario
        about = f"{scenario}: time of {scenario.title_of(self.against)}"
        record = results.find(scenario)
        if record is None:
            return Finding(about, self.most)
        return Finding(about, self.most, record.ratio(self.against), record.failures(OURS)[0])


_HATCHLING = CONTESTANTS["hatchling"]

LIMITS = (
    Limit("300", "hooks-sdist", PLAIN, 0.50),
    Limit("300", "hooks-wheel-pip", PLAIN, 0.42),
    Limit("10000", "hooks-sdist", PLAIN, 0.60),
    Limit("10000", "hooks-sdist", _HATCHLING, 1.00),
    Limit("10000", "hooks-wheel", PLAIN, 0.60),
    Limit("10000", "hooks-wheel-pip", PLAIN, 0.60),
    Limit("300", "build-wheel", FLOCK, 0.45, at_once=8),
    Limit("300", "build-wheel", COPY, 0.50, at_once=8),
    Limit("300", "uv-isolated-wheel", PLAIN, 0.45, at_once=8),
)


def needed() -> dict[Scenario, set[Contestant]]:
    """Return the scenarios that all limits are about, and who has to take part in each."""
    found = {Scenario(tree, task): {OURS, PLAIN} for tree in TREES.values() for task in HOOKS}
    for limit in LIMITS:
        found.setdefault(limit.scenario, {OURS}).add(limit.against)
    return found


def findings(results: Results) -> list[Finding]:
    """Return what the results say about each limit, those of single hooks and trees included."""
    found = [limit.finding(results) for limit in LIMITS]
    found += _growth(results)
    found += _of_hooks(results)
    found += _of_memory(results)
    named = {limit.scenario.key for limit in LIMITS}
    for record in results:
        failed, _ = record.failures(OURS)
        if failed and record.scenario.key not in named:
            found.append(Finding(f"{record.scenario}", 1.0, failures=failed))
    return found


def _growth(results: Results) -> Iterator[Finding]:
    smaller, larger = TREES["3000"], TREES["10000"]
    for task in HOOKS:
        about = f"{task.name}: ours, {larger.title} against {smaller.title}"
        before, after = (results.find(Scenario(tree, task)) for tree in (smaller, larger))
        one, other = (record.median(OURS) if record else None for record in (before, after))
        yield Finding(about, _GROWTH, other / one if one and other else None)


def _of_hooks(results: Results) -> Iterator[Finding]:
    for tree in TREES.values():
        for task in HOOKS:
            scenario = Scenario(tree, task)
            record = results.find(scenario)
            if record is None:
                yield Finding(f"{scenario}: time of each hook", _HOOK, group=_EACH_HOOK)
                continue
            for hook in task.hooks:
                ratio = record.ratio(PLAIN, step=hook)
                yield Finding(f"{scenario}: time of {hook}", _HOOK, ratio, group=_EACH_HOOK)


def _of_memory(results: Results) -> Iterator[Finding]:
    for record in results:
        if record.scenario.at_once == 1 and PLAIN in record.rounds:
            about = f"{record.scenario}: memory of {PLAIN.title}"
            yield Finding(about, _MEMORY, record.ratio(PLAIN, "memory"), group=_EACH_BUILD)
