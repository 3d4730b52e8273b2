"""The command line: ``python -m integration.benchmarks``."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from ..corpus.environment import source_digest
from ..corpus.table import put_into
from . import limits, machine, plan, plot, report, rounds
from .contestants import CONTESTANTS, OURS
from .environments import Environments
from .errors import BenchmarkError, UnavailableError
from .measurement import Bench
from .plan import Choice, Match
from .results import Record, Results
from .tasks import TASKS
from .trees import TREES

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "isolated-backend-bench")

_MARK = "benchmarks"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, tell how it goes, and return the exit status.

    Args:
        arguments: the command line's; ``None`` for those of the process.

    Returns:
        1 if ours could not be measured, or if ``--check`` finds a limit missed.
    """
    options = _parser().parse_args(arguments)
    choice = Choice(
        options.trees, options.tasks, options.at_once, options.contestants, options.pairs
    )
    results = Results(options.results)
    matches = plan.matches(options.parts, choice)
    if options.resume:
        matches = [match for match in matches if not _is_done(match, results)]
    if options.plan:
        _show(matches)
        return 0
    failed = False
    try:
        if matches:
            failed = _measure(matches, results, options)
        _write(results, options)
    except BenchmarkError as error:
        sys.exit(f"benchmarks: {error}")
    if options.check:
        failed |= not _check(results)
    return int(failed)


def _is_done(match: Match, results: Results) -> bool:
    """Tell whether what *match* would measure is there, and of this source."""
    record = results.find(match.scenario)
    return (
        record is not None
        and record.source == source_digest()
        and record.pairs >= match.pairs
        and set(match.contestants) <= set(record.rounds)
    )


def _show(matches: Sequence[Match]) -> None:
    """Print what there is to measure, and how long it takes."""
    for match in matches:
        names = ", ".join(contestant.name for contestant in match.contestants)
        print(f"{_duration(match.seconds):>8}  {match.pairs:3} pairs  {match.scenario}: {names}")
    print(f"{_duration(sum(match.seconds for match in matches)):>8}  in all")


def _measure(matches: Sequence[Match], results: Results, options: argparse.Namespace) -> bool:
    """Measure, keep the results, and return whether something failed."""
    failed = False
    cache = options.cache.resolve()
    with tempfile.TemporaryDirectory(prefix="benchmarks-", dir=options.work) as directory:
        work = Path(directory).resolve()
        environments = Environments(cache, work)
        bench = Bench(environments, work, cache)
        on = machine.description(work)
        for number, match in enumerate(matches, 1):
            _say(f"[{number}/{len(matches)}] {match.scenario}, about {_duration(match.seconds)}")
            try:
                measured = rounds.play(
                    match.scenario,
                    match.contestants,
                    match.pairs,
                    bench,
                    lambda line: _say(f"    {line}"),
                )
            except UnavailableError as error:
                _say(f"    skipped: {error}")
                continue
            except BenchmarkError as error:
                _say(f"    failed: {error}")
                failed = True
                continue
            record = Record(
                match.scenario,
                taken=dt.datetime.now(dt.timezone.utc).date().isoformat(),
                source=source_digest(),
                machine=on,
                versions=environments.versions(each.backend for each in measured),
                rounds=measured,
            )
            results.add(record)
            _tell(record)
    return failed


def _tell(record: Record) -> None:
    for contestant in record.rounds:
        seconds, ratio = record.median(contestant), record.ratio(contestant)
        failed, _ = record.failures(contestant)
        figures = f"{seconds:8.2f} s" if seconds is not None else " " * 10
        if contestant != OURS:
            figures += f"   ours: {ratio or 'no pair'}"
        _say(f"    {contestant.name:12}{figures}" + (f"   {failed} failed" if failed else ""))


def _write(results: Results, options: argparse.Namespace) -> None:
    """Write the table and the plot, where they are asked for."""
    plotted = options.plot is not None and plot.draw(results, options.plot)
    if options.markdown:
        shown = os.path.relpath(options.plot, options.markdown.parent) if plotted else ""
        put_into(options.markdown, _MARK, report.markdown(results, shown))


def _check(results: Results) -> bool:
    """Print a line for each limit that is missed or not measured; return whether they hold.

    Of those that hold, the ones of single hooks and of memory are only counted. If nothing has
    been measured, nothing holds.
    """
    findings = limits.findings(results)
    for finding in findings:
        if finding.verdict != "held" or not finding.group:
            print(finding)
    missed = sum(finding.missed for finding in findings)
    unmeasured = sum(finding.verdict == "not measured" for finding in findings)
    held = len(findings) - missed - unmeasured
    print(f"{held} held, {missed} missed, {unmeasured} not measured")
    return not missed and unmeasured < len(findings)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.1f} min"


def _some(names: Collection[str]) -> Callable[[str], tuple[str, ...]]:
    """Return what reads an option's value, some of *names* with commas between them."""

    def read(text: str) -> tuple[str, ...]:
        found = tuple(name.strip() for name in text.split(","))
        for name in found:
            if name not in names:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(names)}")
        return found

    return read


def _numbers(text: str) -> tuple[int, ...]:
    """Read an option's value, numbers with commas between them."""
    found = tuple(int(part) for part in text.split(","))
    if min(found) < 1:
        raise argparse.ArgumentTypeError("there must be a build at least")
    return found


def _parser() -> argparse.ArgumentParser:
    about = {**{name: part.about for name, part in plan.PARTS.items()}, plan.LIMITS: plan.ABOUT}
    parser = argparse.ArgumentParser(
        prog="python -m integration.benchmarks",
        description="Measure builds, paired with those of others. Parts: "
        + "; ".join(f"{name}: {text}" for name, text in about.items())
        + ".",
    )
    parser.add_argument(
        "parts",
        nargs="*",
        choices=[[], *about],
        metavar="PART",
        help=f"what to measure: {', '.join(about)} (default: nothing; show what is there)",
    )
    for option, names in (("trees", TREES), ("tasks", TASKS), ("contestants", CONTESTANTS)):
        parser.add_argument(
            f"--{option}", type=_some(names), default=(), metavar="A,B", help=", ".join(names)
        )
    parser.add_argument(
        "--at-once", type=_numbers, default=(), metavar="N,M", help="how many builds at once"
    )
    parser.add_argument("--pairs", type=int, default=0, metavar="N", help="how many rounds")
    parser.add_argument("--plan", action="store_true", help="show what it would do, and how long")
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("benchmarks.json"),
        metavar="FILE",
        help="JSON; what is measured replaces the same scenarios there (%(default)s)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="keep what is there of the same source"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="put the tables into FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw an SVG")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a limit is missed")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, metavar="DIR", help="environments (%(default)s)"
    )
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="where to put trees (default: TMPDIR)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
