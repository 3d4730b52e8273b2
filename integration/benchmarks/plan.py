"""What is to be measured, in which order, and how long that takes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from . import limits, machine
from .contestants import CONTESTANTS, OURS, PLAIN, Contestant
from .scenario import Scenario
from .tasks import FRONTENDS, HOOKS, ISOLATED, TASKS, Task
from .trees import TREES

# For estimates: seconds that a process takes to begin, that uv takes to make an environment, that
# a file takes to be copied, and that pass between two measurements, for files and at all.
_PROCESS, _INSTALLATION, _COPY, _REMOVAL, _BETWEEN = 0.2, 0.4, 0.0001, 0.0001, 0.15


@dataclass(frozen=True)
class Choice:
    """What to measure instead of what is usual; an empty one is no choice.

    Attributes:
        trees: the names of trees.
        tasks: the names of tasks.
        at_once: how many builds at once.
        contestants: the names of those who take part, beside ours.
        pairs: how many rounds.
    """

    trees: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    at_once: tuple[int, ...] = ()
    contestants: tuple[str, ...] = ()
    pairs: int = 0


@dataclass(frozen=True)
class Part:
    """Scenarios that belong together.

    Attributes:
        about: what they are.
        tasks: what is usually done in them.
        possible: what can be done in them.
        trees: what with.
        at_once: how many builds at once.
    """

    about: str
    tasks: tuple[Task, ...]
    possible: tuple[Task, ...]
    trees: tuple[str, ...] = tuple(TREES)
    at_once: tuple[int, ...] = (1,)

    def scenarios(self, choice: Choice) -> list[Scenario]:
        """Return them, with what has been chosen instead of what is usual."""
        chosen = tuple(task for task in self.possible if task.name in choice.tasks)
        return [
            Scenario(TREES[tree], task, at_once)
            for tree in choice.trees or self.trees
            for task in (chosen if choice.tasks else self.tasks)
            for at_once in choice.at_once or self.at_once
        ]


_LOAD = (TASKS["build-sdist"], TASKS["build-wheel"], *ISOLATED)

PARTS = {
    "hooks": Part("sequences of hooks", HOOKS, HOOKS),
    "frontends": Part("whole frontends", FRONTENDS, FRONTENDS),
    "load": Part("builds at once", _LOAD, tuple(TASKS.values()), ("300",), (1, 2, 4, 8, 16)),
}
"""What can be measured, but for what :data:`LIMITS` takes out of it."""

#: The part that is made of what the limits are about, and those who have to take part in it.
LIMITS = "limits"
ABOUT = "what is needed of them to tell whether the limits hold"


@dataclass(frozen=True)
class Match:
    """A scenario with those who take part.

    Attributes:
        scenario: the scenario.
        contestants: ours first.
        pairs: how many rounds.
    """

    scenario: Scenario
    contestants: tuple[Contestant, ...]
    pairs: int

    @property
    def seconds(self) -> float:
        """How long it takes, roughly."""
        once = sum(_seconds(self.scenario, contestant) for contestant in self.contestants)
        return once * (self.pairs + 1)


def matches(parts: Collection[str], choice: Choice) -> list[Match]:
    """Return what to measure, each scenario once.

    Args:
        parts: names of :data:`PARTS`, or :data:`LIMITS`.
        choice: what to measure instead of what is usual.
    """
    found: dict[Scenario, set[Contestant]] = {}
    for name, part in PARTS.items():
        if name in parts:
            for scenario in part.scenarios(choice):
                found.setdefault(scenario, set()).update(_contestants(scenario, choice))
    if LIMITS in parts:
        for scenario, contestants in limits.needed().items():
            if _chosen(scenario, choice):
                found.setdefault(scenario, set()).update(contestants)
    return [
        Match(
            scenario,
            tuple(each for each in CONTESTANTS.values() if each in contestants),
            choice.pairs or scenario.pairs,
        )
        for scenario, contestants in found.items()
        if len(contestants) > 1
    ]


def _contestants(scenario: Scenario, choice: Choice) -> set[Contestant]:
    if not choice.contestants:
        return set(scenario.usual)
    return {OURS} | {each for each in scenario.permitted if each.name in choice.contestants}


def _chosen(scenario: Scenario, choice: Choice) -> bool:
    """Tell whether a scenario is among those that have been chosen."""
    chosen = choice.trees, choice.tasks, choice.at_once
    return all(not names or name in names for names, name in zip(chosen, scenario.key, strict=True))


def _seconds(scenario: Scenario, contestant: Contestant) -> float:
    """Return how long the builds of a contestant take, roughly."""
    tree, task, at_once = scenario.tree, scenario.task, scenario.at_once
    one = _PROCESS * (len(task.hooks) or 3) + _INSTALLATION * task.isolated + tree.seconds
    if contestant.guard == "copy":
        one += tree.files * _COPY
    in_turn = contestant.guard == "lock" or (contestant == PLAIN and task.locks)
    between = _BETWEEN + tree.files * _REMOVAL * (1 if contestant.guard != "copy" else at_once)
    return one * max(1.0, at_once if in_turn else at_once / machine.cores()) + between
