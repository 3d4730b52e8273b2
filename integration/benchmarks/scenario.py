"""A scenario: a tree, what is done with it, and how many do it at once."""

from __future__ import annotations

from dataclasses import dataclass

from .contestants import CONTESTANTS, COPY, FLOCK, PLAIN, Contestant
from .tasks import Task
from .trees import Tree

#: How many pairs there are of builds that run at once.
_PAIRS_AT_ONCE = 6


@dataclass(frozen=True)
class Scenario:
    """What a number of contestants can be compared in."""

    tree: Tree
    task: Task
    at_once: int = 1

    @property
    def key(self) -> tuple[str, str, int]:
        """What it is called in the results."""
        return self.tree.name, self.task.name, self.at_once

    @property
    def pairs(self) -> int:
        """How often it is worth measuring."""
        return self.tree.pairs if self.at_once == 1 else min(self.tree.pairs, _PAIRS_AT_ONCE)

    @property
    def permitted(self) -> tuple[Contestant, ...]:
        """The contestants that can take part."""
        return tuple(each for each in CONTESTANTS.values() if self._permits(each))

    @property
    def usual(self) -> tuple[Contestant, ...]:
        """Those that take part unless others are chosen."""
        unguarded = self.at_once > 1 and not self.task.locks  # their builds collide
        alone = self.at_once == 1  # then a lock is never waited for
        return tuple(
            each
            for each in self.permitted
            if not (each == PLAIN and unguarded) and not (each == FLOCK and alone)
        )

    def _permits(self, contestant: Contestant) -> bool:
        backend = contestant.backend
        if not backend.is_setuptools and (self.tree.setuptools_only or self.task.isolated):
            return False
        if contestant == COPY:
            return self.task.kind != "editable"  # it would be an editable install of the copy
        return not (contestant == FLOCK and self.task.locks)

    def title_of(self, contestant: Contestant) -> str:
        """Return what *contestant* is called in a table."""
        if contestant == PLAIN and self.task.locks and self.at_once > 1:
            return f"{contestant.title} under uv's lock"
        return contestant.title

    def __str__(self) -> str:
        return f"{self.task.name} of {self.tree.name}" + (
            f", {self.at_once} at once" if self.at_once > 1 else ""
        )
