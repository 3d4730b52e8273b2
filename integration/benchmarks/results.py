"""What has been measured, and the file that it is kept in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from . import ratios
from .contestants import CONTESTANTS, OURS, Contestant
from .measurement import Cost, Measurement
from .ratios import Ratio
from .scenario import Scenario
from .tasks import TASKS
from .trees import TREES

Quantity = Literal["wall", "cpu", "memory"]

#: Seconds are kept to this many digits.
_DIGITS = 4


@dataclass(frozen=True)
class Record:
    """The measurements of a scenario, all taken in one run.

    Attributes:
        scenario: what was done.
        taken: when, as a date.
        source: a digest of our backend's source.
        machine: what on.
        versions: of the distributions that took part.
        rounds: of each contestant, in the order of the rounds.
    """

    scenario: Scenario
    taken: str
    source: str
    machine: Mapping[str, str | int]
    versions: Mapping[str, str]
    rounds: Mapping[Contestant, list[Measurement]]

    @property
    def pairs(self) -> int:
        """How many rounds there were."""
        return len(self.rounds[OURS])

    def values(
        self, contestant: Contestant, quantity: Quantity = "wall", step: str = ""
    ) -> list[float | None]:
        """Return what a contestant needed, in the order of the rounds.

        Args:
            contestant: who.
            quantity: of what.
            step: of which process; empty for all of them.

        Returns:
            The values; ``None`` for a round in which a build failed.
        """
        if contestant not in self.rounds:
            return [None] * self.pairs
        found: list[float | None] = []
        for measurement in self.rounds[contestant]:
            cost = measurement.steps.get(step) if step else measurement.cost
            known = cost is not None and not measurement.failed
            found.append(getattr(cost, quantity) if known else None)
        return found

    def ratio(
        self, contestant: Contestant, quantity: Quantity = "wall", step: str = ""
    ) -> Ratio | None:
        """Return the ratio of ours to *contestant*; ``None`` if there is none."""
        ours = self.values(OURS, quantity, step)
        return ratios.of_pairs(ours, self.values(contestant, quantity, step))

    def median(self, contestant: Contestant, quantity: Quantity = "wall") -> float | None:
        """Return the median of what *contestant* needed."""
        return ratios.median(self.values(contestant, quantity))

    def failures(self, contestant: Contestant) -> tuple[int, int]:
        """Return how many of a contestant's builds failed, and how many there were."""
        rounds = self.rounds.get(contestant, [])
        failed = sum(measurement.failed for measurement in rounds)
        return failed, len(rounds) * self.scenario.at_once


class Results:
    """The records of a file.

    Args:
        path: the file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: dict[tuple[str, str, int], Record] = {}
        if path.exists():
            for entry in json.loads(path.read_text(encoding="utf-8")):
                record = _record(entry)
                self._records[record.scenario.key] = record

    def __iter__(self) -> Iterator[Record]:
        """Iterate in the order of tasks, trees and numbers at once."""
        tasks, trees = list(TASKS), list(TREES)

        def place(record: Record) -> tuple[int, int, int]:
            tree, task, at_once = record.scenario.key
            return tasks.index(task), trees.index(tree), at_once

        return iter(sorted(self._records.values(), key=place))

    def find(self, scenario: Scenario) -> Record | None:
        """Return the record of *scenario*, if there is one."""
        return self._records.get(scenario.key)

    def add(self, record: Record) -> None:
        """Keep *record* instead of an older one, and write the file."""
        self._records[record.scenario.key] = record
        lines = ",\n".join(json.dumps(_entry(record)) for record in self)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        passing = self._path.with_name(self._path.name + ".new")
        passing.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        passing.replace(self._path)


def _entry(record: Record) -> dict[str, Any]:
    tree, task, at_once = record.scenario.key
    return {
        "tree": tree,
        "task": task,
        "at once": at_once,
        "taken": record.taken,
        "source": record.source,
        "machine": dict(record.machine),
        "versions": dict(record.versions),
        "rounds": {
            contestant.name: _columns(measurements)
            for contestant, measurements in record.rounds.items()
        },
    }


def _record(entry: Mapping[str, Any]) -> Record:
    return Record(
        Scenario(TREES[entry["tree"]], TASKS[entry["task"]], entry["at once"]),
        entry["taken"],
        entry["source"],
        entry["machine"],
        entry["versions"],
        {CONTESTANTS[name]: _measurements(columns) for name, columns in entry["rounds"].items()},
    )


def _columns(measurements: list[Measurement]) -> dict[str, Any]:
    """Return the measurements as lists: a value for each round."""
    names = dict.fromkeys(name for measurement in measurements for name in measurement.steps)
    return {
        "cost": _cost_columns([measurement.cost for measurement in measurements]),
        "steps": {
            name: _cost_columns([measurement.steps.get(name) for measurement in measurements])
            for name in names
        },
        "failed": [measurement.failed for measurement in measurements],
        "errors": [measurement.error for measurement in measurements if measurement.error],
    }


def _cost_columns(costs: list[Cost | None]) -> dict[str, list[float | None]]:
    return {
        "wall": [round(cost.wall, _DIGITS) if cost else None for cost in costs],
        "cpu": [round(cost.cpu, _DIGITS) if cost else None for cost in costs],
        "KiB": [cost.memory // 1024 if cost else None for cost in costs],
    }


def _measurements(columns: Mapping[str, Any]) -> list[Measurement]:
    """Return what :func:`_columns` was made of."""
    errors = iter(columns["errors"])
    steps = {name: _costs(found) for name, found in columns["steps"].items()}
    return [
        Measurement(
            cost,
            {name: found[number] for name, found in steps.items() if found[number] is not None},
            failed,
            next(errors) if failed else "",
        )
        for number, (cost, failed) in enumerate(
            zip(_costs(columns["cost"]), columns["failed"], strict=True)
        )
    ]


def _costs(columns: Mapping[str, list[Any]]) -> list[Any]:
    return [
        None if wall is None else Cost(wall, cpu, memory * 1024)
        for wall, cpu, memory in zip(columns["wall"], columns["cpu"], columns["KiB"], strict=True)
    ]
