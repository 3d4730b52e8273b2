"""``isolated-backend check``: one project, built many times at once, with and without us."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..settings import Settings
from ..shadow.temporary import temporary_directory
from . import demo, environment, plain, private, project, report, writes
from .bench import Bench
from .display import Display
from .finding import Half, Report
from .frontend import KINDS, in_turn, named
from .writes import Writes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from .artifact import Contents
    from .frontend import Frontend, Kind
    from .project import Project


class Progress(Protocol):
    """What is told how the check goes on."""

    def say(self, line: str) -> None:
        """Take note of a step."""

    def half(
        self, backend: str, orders: Sequence[tuple[Frontend, Kind]]
    ) -> AbstractContextManager[Callable[[int, str | None], None]]:
        """Take note that builds start; yield what to tell of each that has ended.

        That is its number in *orders*, and the error if it failed.
        """


def command(path: str | None, number: int, frontends: str, *, as_json: bool = False) -> int:
    """Check a project, show the result and return the exit status.

    Args:
        path: the project's directory; ``None`` for the demonstration.
        number: how many builds of each kind to run at once.
        frontends: the names of the frontends, with commas between them.
        as_json: print what was found for a program.

    Raises:
        CommandError: the project cannot be checked.
    """
    through = named(frontends)
    subject = None if path is None else project.find(path)
    # Windows may still hold a file that a killed build had open.
    with tempfile.TemporaryDirectory(
        prefix=project.SCRATCH_PREFIX, ignore_cleanup_errors=True
    ) as directory:
        scratch = Path(os.path.realpath(directory))
        progress = Display()
        if subject is None:
            subject = project.find(str(demo.fetch_or_generate(scratch / "demo", progress.say)))
        found = check(subject, number, through, scratch, progress)
    if as_json:
        print(json.dumps(plain.of(found), indent=2))
    else:
        report.show(found)
    return 0 if found.isolated.perfect else 1


def check(
    subject: Project,
    number: int,
    frontends: Sequence[Frontend],
    scratch: Path,
    progress: Progress,
) -> Report:
    """Build copies of *subject* with its own backend and with isolated_backend.

    Args:
        subject: the project; it is not touched.
        number: how many builds of each kind to run at once.
        frontends: what the builds go through, in turn.
        scratch: an existing directory for everything that is made.
        progress: is told how it goes on.

    Returns:
        What came out.

    Raises:
        CommandError: the project cannot be built at all.
    """
    copy = scratch / "copy" / subject.name
    copy.parent.mkdir()
    place = environment.prepared(subject, frontends, scratch, copy, progress.say)
    bench = Bench(subject, place, copy)
    progress.say("building alone, with each backend")
    own = _alone_with_its_own(bench, subject, frontends)
    alone = {kind: next(iter(made.values())) for kind, made in own.items()}
    ours, written = _alone_with_ours(bench, subject, frontends, alone)
    unstable = tuple(
        kind
        for kind, contents in alone.items()
        if not all(_same(made, contents) for made in (*own[kind].values(), *ours[kind]))
        and not _same(_again(bench, subject, frontends, kind), contents)
    )
    deviating = {
        kind: tuple(name for name, contents in made.items() if not _same(contents, alone[kind]))
        for kind, made in own.items()
        if kind not in unstable
    }

    def half(backend: str) -> Half:
        orders = in_turn(frontends, number)
        with progress.half(backend, orders) as ended:
            run = bench.at_once(orders, backend, ended)
        return Half(backend, run.results, alone, run.changes, written, run.seconds)

    writes_something = written.paths or written.programs
    return Report(
        name=subject.name,
        frontends=tuple(each.name for each in frontends),
        own=half(subject.own_backend),
        isolated=half(subject.our_backend),
        unstable=unstable,
        deviating={kind: names for kind, names in deviating.items() if names},
        # If it could not be read, no hook of ours would have let anything be written.
        setting=Settings.read(str(subject.root)).in_tree_writes if writes_something else "auto",
        obstacle=private.obstacle(temporary_directory()),
    )


def _alone_with_its_own(
    bench: Bench, subject: Project, frontends: Sequence[Frontend]
) -> dict[Kind, dict[str, Contents]]:
    """Return, by kind and by frontend, what the project's own backend makes when it is alone.

    Raises:
        CommandError: it cannot make it.
    """
    found: dict[Kind, dict[str, Contents]] = {}
    for kind, frontend in _each(frontends):
        result, _, _ = bench.alone(frontend, kind, subject.own_backend)
        if result.contents is None:
            raise environment.unbuildable(subject, str(result.error), frontend.name)
        found.setdefault(kind, {})[frontend.name] = result.contents
    return found


def _again(
    bench: Bench, subject: Project, frontends: Sequence[Frontend], kind: Kind
) -> Contents | None:
    """Return what the own backend makes of *kind* through the first frontend, once more."""
    first = next(each for each in frontends if kind in each.kinds)
    return bench.alone(first, kind, subject.own_backend)[0].contents


def _alone_with_ours(
    bench: Bench,
    subject: Project,
    frontends: Sequence[Frontend],
    alone: Mapping[Kind, Contents],
) -> tuple[dict[Kind, list[Contents | None]], Writes]:
    """Return what isolated_backend makes when it is alone, and what the project writes then."""
    found: dict[Kind, list[Contents | None]] = {}
    written = Writes()
    staging = {alone["sdist"].directory} if "sdist" in alone else set()
    for kind, frontend in _each(frontends):
        result, changes, log = bench.alone(frontend, kind, subject.our_backend)
        found.setdefault(kind, []).append(result.contents)
        written |= writes.of(changes, log, staging)
    return found, written


def _each(frontends: Sequence[Frontend]) -> list[tuple[Kind, Frontend]]:
    """Return all that *frontends* can build, kind by kind."""
    return [(kind, each) for kind in KINDS for each in frontends if kind in each.kinds]


def _same(made: Contents | None, other: Contents) -> bool:
    return made is not None and made.same_as(other)
