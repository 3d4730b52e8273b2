"""Where copies of one project are built."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..writers import writelog
from . import artifact, failure, load, project, snapshot
from .finding import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .environment import Environment
    from .frontend import Frontend, Kind
    from .project import Project
    from .snapshot import Changes


@dataclass(frozen=True)
class Run:
    """What came out of builds of one fresh copy.

    Attributes:
        results: the builds.
        changes: what is different in the copy after them.
        seconds: how long they took, from the first start to the last end.
    """

    results: tuple[Result, ...]
    changes: Changes
    seconds: float


class Bench:
    """Where copies of one project are built.

    All copies are, one after the other, at the same path: a compiler may write it into a binary.

    Args:
        subject: the project.
        environment: has what it requires.
        copy: where to copy it; its parent exists.
    """

    def __init__(self, subject: Project, environment: Environment, copy: Path) -> None:
        self._project = subject
        self._environment = environment
        self._copy = copy

    def alone(
        self, frontend: Frontend, kind: Kind, backend: str
    ) -> tuple[Result, Changes, frozenset[str]]:
        """Build one artifact in a fresh copy, and nothing besides.

        Returns:
            What came out, what is different in the copy, and the lines that isolated_backend has
            logged of what is written there, if it is the backend.
        """
        with tempfile.TemporaryDirectory(dir=self._copy.parent) as directory:
            log = Path(directory, "log")
            log.touch()
            run = self._run([(frontend, kind)], backend, {writelog.VARIABLE: str(log)})
            lines = log.read_bytes().splitlines()
        return run.results[0], run.changes, frozenset(map(os.fsdecode, lines))

    def at_once(
        self,
        orders: Sequence[tuple[Frontend, Kind]],
        backend: str,
        ended: Callable[[int, str | None], None],
    ) -> Run:
        """Build artifacts at the same instant, in one fresh copy that *backend* builds.

        Args:
            orders: the frontend of each build, and what it is to make.
            backend: the backend.
            ended: is told the number of each that has ended, and the error if it failed.
        """
        return self._run(orders, backend, {}, ended)

    def _run(
        self,
        orders: Sequence[tuple[Frontend, Kind]],
        backend: str,
        variables: Mapping[str, str],
        ended: Callable[[int, str | None], None] = lambda number, error: None,
    ) -> Run:
        with (
            project.copied(self._project, self._copy, backend),
            tempfile.TemporaryDirectory(dir=self._copy.parent, ignore_cleanup_errors=True) as place,
        ):
            builds = [
                each.order(kind, self._environment, self._copy, Path(place, f"{index}-{kind}"))
                for index, (each, kind) in enumerate(orders)
            ]
            before = snapshot.take(self._copy)
            outcomes, seconds = load.at_once(
                builds,
                {**self._environment.variables, **variables},
                lambda number, outcome: ended(number, self._error(outcome)),
            )
            changes = snapshot.compare(before, snapshot.take(self._copy))
            results = tuple(map(self._result, orders, outcomes))
        return Run(results, changes, seconds)

    def _result(self, order: tuple[Frontend, Kind], outcome: load.Outcome) -> Result:
        frontend, kind = order
        contents = artifact.read(outcome.artifact) if outcome.artifact else None
        return Result(kind, frontend.name, self._error(outcome), contents)

    def _error(self, outcome: load.Outcome) -> str | None:
        """Return the line that tells why a build failed, if it did."""
        return failure.first_error(outcome.output, str(self._copy)) if outcome.failed else None
