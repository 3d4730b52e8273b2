"""The command line: ``python -m integration.escapes``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from backends import OURS, PLAIN

from ..corpus.table import put_into
from . import report, strace
from .errors import TraceError
from .subject import chosen
from .trial import carry_out

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "isolated-backend-corpus")

#: The exit statuses beside 0: something is unexplained, or nothing can be said.
UNEXPLAINED, IMPOSSIBLE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Trace the projects, tell what is found, and return the exit status.

    Args:
        arguments: the command line's; ``None`` for those of the process.

    Returns:
        1 if something is unexplained, else 2 if something could not be traced.
    """
    options = _parser().parse_args(arguments)
    if reason := strace.missing():
        sys.stderr.write(f"escapes: {reason}\n")
        return IMPOSSIBLE
    reports = []
    try:
        subjects = chosen(
            options.projects, with_corpus=options.corpus, as_checkout=options.checkout
        )
        with ThreadPoolExecutor(options.jobs) as pool:
            for found in pool.map(
                lambda subject: carry_out(
                    subject, options.cache.resolve(), options.backend, options.python
                ),
                subjects,
            ):
                reports.append(found)
                sys.stdout.write("\n".join(report.lines(found, is_long=options.verbose)) + "\n")
                sys.stdout.flush()
    except TraceError as error:
        sys.stderr.write(f"escapes: {error}\n")
        return IMPOSSIBLE
    print(f"\n{report.summary(reports)}")
    if options.markdown:
        put_into(options.markdown, "escapes", report.markdown(reports))
    if any(found.is_fault for found in reports):
        return UNEXPLAINED
    return IMPOSSIBLE if any(found.skipped for found in reports) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m integration.escapes",
        description="Trace every hook of projects, and tell what is written outside of its place.",
    )
    parser.add_argument(
        "projects",
        nargs="*",
        metavar="PROJECT|SAMPLE",
        help="a sample of tests/samples, a generated kind, or a project on the index "
        "(default: all samples and kinds)",
    )
    parser.add_argument("--corpus", action="store_true", help="also all projects of the corpus")
    parser.add_argument(
        "--checkout", action="store_true", help="have projects as git checkouts made of sdists"
    )
    parser.add_argument(
        "--backend", choices=(OURS, PLAIN), default=OURS, help=f"{PLAIN} is the control"
    )
    parser.add_argument(
        "--python", metavar="PATH", help="interpreter for samples and kinds (this one)"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="trials at once (1)")
    parser.add_argument("--verbose", action="store_true", help="also what is explained")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="put the table into FILE")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, metavar="DIR", help=f"where to work ({CACHE})"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
