"""``isolated-backend check``: one project, built many times at once, with and without us."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from . import artifact, demo, environment, failure, load, project, report, snapshot
from .frontend import BUILD, KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from .artifact import Contents
    from .environment import Environment
    from .frontend import Frontend, Kind
    from .project import Project
    from .snapshot import Changes


@dataclass(frozen=True)
class Result:
    """What came out of one build.

    Attributes:
        kind: ``sdist`` or ``wheel``.
        error: the line that tells why it failed, or ``None``.
        contents: what is in the artifact, if it did not fail.
    """

    kind: Kind
    error: str | None
    contents: Contents | None


@dataclass(frozen=True)
class Half:
    """What came out of all the builds with one backend.

    Attributes:
        backend: its name, as in ``build-backend``.
        results: the builds.
        alone: by kind, what the project's own backend makes when it is alone.
        changes: what is different in the project root after the builds.
        own_writes: the paths in it that one build with isolated_backend changes when it is alone.
        seconds: how long the builds took, from the first start to the last end.
    """

    backend: str
    results: tuple[Result, ...]
    alone: Mapping[Kind, Contents]
    changes: Changes
    own_writes: frozenset[str]
    seconds: float

    @property
    def errors(self) -> list[str]:
        """The error lines of the builds that failed."""
        return [result.error for result in self.results if result.error is not None]

    def made(self, kind: Kind) -> list[Contents]:
        """Return the contents of the artifacts of *kind*."""
        return [r.contents for r in self.results if r.kind == kind and r.contents is not None]

    def distinct(self, kind: Kind) -> int:
        """Return how many artifacts of *kind* differ from one another."""
        return len(set(self.made(kind)))

    @property
    def differing(self) -> dict[Kind, list[str]]:
        """By kind, the members in which artifacts differ from the one that was made alone."""
        found = {
            kind: sorted({n for made in self.made(kind) for n in made.differing(self.alone[kind])})
            for kind in KINDS
        }
        return {kind: names for kind, names in found.items() if names}

    @property
    def same(self) -> int:
        """How many artifacts are the same as the one that was made alone."""
        return sum(made.same_as(self.alone[kind]) for kind in KINDS for made in self.made(kind))

    @property
    def perfect(self) -> bool:
        """Whether every build came out right and left no trace."""
        return self.same == len(self.results) and self.uniform and not self.changes.paths

    @property
    def uniform(self) -> bool:
        """Whether all artifacts of a kind are the same."""
        return all(self.distinct(kind) <= 1 for kind in KINDS)


@dataclass(frozen=True)
class Report:
    """What a check has found.

    Attributes:
        name: the project's name.
        number: how many builds of each kind there were in each half.
        own: the half with the project's own backend.
        isolated: the half with isolated_backend.
        unstable: the kinds of which the own backend makes a different artifact every time, even
            alone, so that nothing can be said about the contents.
    """

    name: str
    number: int
    own: Half
    isolated: Half
    unstable: tuple[Kind, ...]


class Progress(Protocol):
    """What is told how the check goes on."""

    def say(self, line: str) -> None:
        """Take note of a step."""

    def half(self, backend: str, total: int) -> AbstractContextManager[Callable[[bool], None]]:
        """Take note that *total* builds start; yield what to tell, for each, if it failed."""


def command(path: str | None, number: int) -> int:
    """Check a project, show the result and return the exit status.

    Args:
        path: the project's directory; ``None`` for the demonstration.
        number: how many builds of each kind to run at once.

    Raises:
        CommandError: the project cannot be checked.
    """
    subject = None if path is None else project.find(path)
    # Windows may still hold a file that a killed build had open.
    with tempfile.TemporaryDirectory(
        prefix=project.SCRATCH_PREFIX, ignore_cleanup_errors=True
    ) as directory:
        scratch = Path(os.path.realpath(directory))
        progress = report.Display()
        if subject is None:
            subject = project.find(str(demo.fetch_or_generate(scratch / "demo", progress.say)))
        found = check(subject, number, BUILD, scratch, progress)
    report.show(found)
    return 0 if found.isolated.perfect else 1


def check(
    subject: Project, number: int, frontend: Frontend, scratch: Path, progress: Progress
) -> Report:
    """Build copies of *subject* with its own backend and with isolated_backend.

    Args:
        subject: the project; it is not touched.
        number: how many builds of each kind to run at once.
        frontend: what the builds go through.
        scratch: an existing directory for everything that is made.
        progress: is told how it goes on.

    Returns:
        What came out.

    Raises:
        CommandError: the project cannot be built at all.
    """
    copy = scratch / "copy" / subject.name
    copy.parent.mkdir()
    place = environment.prepared(subject, frontend, scratch, copy, progress.say)
    bench = _Bench(subject, frontend, place, copy)
    progress.say("building alone, with each backend")
    reference = {kind: bench.alone(kind, subject.own_backend) for kind in KINDS}
    for result, _ in reference.values():
        if result.error is not None:
            raise environment.unbuildable(subject, result.error)
    alone = {kind: made.contents for kind, (made, _) in reference.items() if made.contents}
    isolated = {kind: bench.alone(kind, subject.our_backend) for kind in KINDS}
    unstable = tuple(
        kind
        for kind in KINDS
        if not _same(isolated[kind][0].contents, alone[kind])
        and not _same(bench.alone(kind, subject.own_backend)[0].contents, alone[kind])
    )
    own_writes = frozenset(path for _, made in isolated.values() for path in made.paths)
    halves = []
    for backend in (subject.own_backend, subject.our_backend):
        with progress.half(backend, number * len(KINDS)) as done:
            results, changes, seconds = bench.build(list(KINDS) * number, backend, done)
        halves.append(Half(backend, results, alone, changes, own_writes, seconds))
    return Report(subject.name, number, halves[0], halves[1], unstable)


def _same(made: Contents | None, other: Contents) -> bool:
    return made is not None and made.same_as(other)


class _Bench:
    """Where copies of one project are built.

    All copies are, one after the other, at the same path: a compiler may write it into a binary.
    """

    def __init__(
        self, subject: Project, frontend: Frontend, environment: Environment, copy: Path
    ) -> None:
        self._project = subject
        self._frontend = frontend
        self._environment = environment
        self._copy = copy

    def alone(self, kind: Kind, backend: str) -> tuple[Result, Changes]:
        """Build one artifact of *kind* in a fresh copy, and nothing besides."""
        results, changes, _ = self.build([kind], backend, lambda failed: None)
        return results[0], changes

    def build(
        self, kinds: list[Kind], backend: str, done: Callable[[bool], None]
    ) -> tuple[tuple[Result, ...], Changes, float]:
        """Build artifacts of *kinds* at once, in one fresh copy that *backend* builds."""
        with (
            project.copied(self._project, self._copy, backend),
            tempfile.TemporaryDirectory(dir=self._copy.parent, ignore_cleanup_errors=True) as out,
        ):
            builds = [self._order(kind, Path(out, f"{i}-{kind}")) for i, kind in enumerate(kinds)]
            before = snapshot.take(self._copy)
            outcomes, seconds = load.at_once(
                builds, self._environment.variables, lambda outcome: done(outcome.failed)
            )
            changes = snapshot.compare(before, snapshot.take(self._copy))
            return tuple(map(self._result, outcomes)), changes, seconds

    def _order(self, kind: Kind, out: Path) -> load.Build:
        command = self._frontend.command(self._environment.python, kind, out, self._copy)
        return load.Build(kind, command, out)

    def _result(self, outcome: load.Outcome) -> Result:
        if outcome.artifact is None:
            error = failure.first_error(outcome.output, str(self._copy))
            return Result(outcome.kind, error, None)
        return Result(outcome.kind, None, artifact.read(outcome.artifact))
