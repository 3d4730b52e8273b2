"""The command line: ``python -m integration.conformance``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ..corpus.__main__ import CACHE
from ..corpus.table import put_into
from . import comparison, redirection
from .comparison import FAILED, Known, Outcomes
from .suite import COMMANDS, OUR_HOOKS, THEIR_HOOKS, Outcome, Suite


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests, tell how they went, and return the exit status.

    Returns:
        1 if something is left that is not explained in ``known.toml``.
    """
    options = _parser().parse_args(arguments)
    facts = comparison.known()
    suite = Suite(options.cache.resolve() / "conformance")
    suite.prepare(options.cache.resolve())
    with TemporaryDirectory() as scratch:

        def run(tests: Sequence[str], mode: str) -> Outcomes:
            outcomes = suite.run(tests, mode, Path(scratch, str(len(done))), options.jobs)
            done.append(outcomes)
            print(f"{', '.join(tests)}: {mode}, {dict(comparison.counts(outcomes))}", flush=True)
            return outcomes

        done: list[Outcomes] = []
        hooks = run([THEIR_HOOKS], redirection.PLAIN), run([OUR_HOOKS], redirection.PLAIN)
        modes = redirection.PLAIN, redirection.REDIRECTED, redirection.LAID_OVER
        plain, redirected, laid_over = (run(COMMANDS, mode) for mode in modes)
    faults = comparison.of_hooks(*hooks)
    faults += comparison.of_commands(plain, redirected, laid_over, facts)
    for fault in faults:
        print(fault)
    if options.markdown:
        text = _markdown(suite.version, hooks, (plain, redirected, laid_over), facts)
        put_into(options.markdown, "conformance", text)
    return int(bool(faults))


def _markdown(
    version: str,
    hooks: tuple[Outcomes, Outcomes],
    commands: tuple[Outcomes, Outcomes, Outcomes],
    facts: Known,
) -> str:
    """Return the figures and what is known about the tests that differ."""
    plain, redirected, laid_over = commands
    rows = [(f"`{THEIR_HOOKS}`", len(hooks[0]), *(_passed(run) for run in hooks), "")]
    for file in COMMANDS:
        runs = [_of(file, run) for run in (plain, redirected, laid_over)]
        rows.append((f"`{file}`", len(runs[0]), *(_passed(run) for run in runs)))
    lines = [f"setuptools {version}:", ""]
    lines += _table(("", "tests", "setuptools", "ours", "ours, copied to the root"), rows)
    for title, known in (
        ("Left out", facts.left_out),
        ("Different by promise", facts.promise),
        ("Different, and not by the place alone", facts.own_place),
    ):
        lines += ["", f"{title}:", ""]
        lines += _table(("test", "it"), [(f"`{name}`", reason) for name, reason in known.items()])
    return "\n".join(lines) + "\n"


def _of(file: str, outcomes: Outcomes) -> dict[str, Outcome]:
    return {name: outcome for name, outcome in outcomes.items() if name.startswith(f"{file}::")}


def _passed(outcomes: Mapping[str, Outcome]) -> str:
    """Return how many passed, and how many did what else."""
    found = comparison.counts(outcomes)
    passed = found.pop("passed", 0)
    failed = sum(found.pop(name, 0) for name in FAILED)
    others = [f"{count} {name}" for name, count in sorted(found.items())]
    return ", ".join([f"{passed} passed", *([f"{failed} failed"] if failed else []), *others])


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    cells = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(str(cell) for cell in row)} |" for row in cells]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m integration.conformance",
        description="Run setuptools' own tests with setuptools and with isolated-backend.",
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="tests at once (2)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="put the result into FILE")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, metavar="DIR", help=f"where to work ({CACHE})"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
