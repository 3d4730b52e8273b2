"""The command line: ``python -m integration.corpus``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from . import table
from .checkout import Checkout
from .errors import CorpusError
from .project import Project, load
from .sdist import Sdist
from .trial import carry_out
from .verdict import Results, Verdict

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "isolated-backend-corpus")


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the projects, tell how it goes, and return the exit status.

    Args:
        arguments: the command line's; ``None`` for those of the process.

    Returns:
        1 if a difference is left that is not explained in ``known.toml``.
    """
    options = _parser().parse_args(arguments)
    cache = options.cache.resolve()
    try:
        listed = "checkouts.txt" if options.checkout else "projects.txt"
        projects = load(options.projects, listed)
    except CorpusError as error:
        sys.exit(f"corpus: {error}")
    kept = "results-slow.json" if options.slow else "results.json"
    results = Results((options.results or cache / kept).resolve())
    verdicts = {}
    for number, (project, verdict) in enumerate(_tried(projects, results, cache, options), 1):
        verdicts[project] = verdict
        _tell(f"[{number}/{len(projects)}]", verdict)
    ordered = [verdicts[project] for project in projects]
    print(f"\n{table.summary(ordered)}")
    if options.markdown:
        form = Checkout.form if options.checkout else Sdist.form
        table.put_into(options.markdown, form, table.markdown(ordered))
    return int(any(verdict.is_fault for verdict in ordered))


def _tried(
    projects: Sequence[Project], results: Results, cache: Path, options: argparse.Namespace
) -> Iterator[tuple[Project, Verdict]]:
    """Yield each project with its verdict as soon as there is one."""
    form = Checkout.form if options.checkout else Sdist.form

    def one(project: Project) -> Verdict:
        sys.stderr.write(f"         {project.requirement} …\n")  # in one piece: threads write it
        known = results if options.resume else None
        verdict = carry_out(project, form, cache, known, slow=options.slow)
        results.add(verdict)
        return verdict

    with ThreadPoolExecutor(options.jobs) as pool:
        futures = {pool.submit(one, project): project for project in projects}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _tell(lead: str, verdict: Verdict) -> None:
    """Print one line about a verdict."""
    name, version, _, made, wheel, root, note = table.rows([verdict])[0]
    seconds = sum(sum(artifact.seconds) for artifact in verdict.artifacts.values())
    sys.stdout.write(
        f"{lead:8} {name + ' ' + version:28} {made or '-':12} {wheel or '-':12} {root or '-':11}"
        f" {seconds:5.1f} s  {note}\n"
    )
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m integration.corpus",
        description="Build real projects with setuptools and with isolated-backend, and compare.",
    )
    parser.add_argument(
        "projects",
        nargs="*",
        metavar="PROJECT",
        help="name or name==version (default: all of projects.txt, or of checkouts.txt)",
    )
    parser.add_argument(
        "--checkout", action="store_true", help="build from a git checkout made of the sdist"
    )
    parser.add_argument(
        "--slow", action="store_true", help="have isolated-backend take no shortcuts"
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="trials at once (2)")
    parser.add_argument("--results", type=Path, metavar="FILE", help="JSON of the verdicts")
    parser.add_argument(
        "--resume", action="store_true", help="keep verdicts on the same version and source"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="put the table into FILE")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, metavar="DIR", help=f"where to work ({CACHE})"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
