"""The command line: ``python -m integration.versions``."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from backends import OURS, PLAIN

from ..corpus.__main__ import CACHE
from ..corpus.errors import CorpusError
from ..corpus.table import put_into
from . import VERSIONS
from .trial import BUILDS, Identity, Load, Setuptools, identity, load

_HEAD = (
    "setuptools",
    "hooks",
    "as setuptools'",
    "fail there, too",
    f"{BUILDS} builds at once",
    "with plain setuptools",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the versions, tell how they did, and return the exit status.

    Returns:
        1 if one of them differs, or does not collide where it should.
    """
    options = _parser().parse_args(arguments)
    rows, notes, fault = [], [], False
    for wanted in options.versions or VERSIONS:
        setuptools = Setuptools(options.cache.resolve() / "setuptools" / (wanted or "newest"))
        try:
            setuptools.prepare(wanted)
        except CorpusError as error:
            sys.exit(f"versions: {wanted or 'newest'}: {error}")
        with TemporaryDirectory() as scratch:
            same = identity(setuptools, Path(scratch))
            ours, plain = (load(setuptools, name, Path(scratch, name)) for name in (OURS, PLAIN))
        row = _row(setuptools.version, same, ours, plain)
        print(" | ".join(row), flush=True)
        for line in (*same.differences, *ours.failed, *sorted(ours.changed)):
            print(f"    {line}")
        fault = fault or bool(same.differences) or not ours.is_clean or not plain.collided
        rows.append(row)
        notes += _notes(setuptools.version, same)
    if options.markdown:
        lines = [f"| {' | '.join(row)} |" for row in (_HEAD, ("---",) * len(_HEAD), *rows)]
        text = f"With Python {platform.python_version()}:\n\n" + "\n".join(lines) + "\n"
        if notes:
            text += "\nWhat plain setuptools itself cannot do:\n\n" + "\n".join(notes) + "\n"
        put_into(options.markdown, "versions", text)
    return int(fault)


def _row(version: str, same: Identity, ours: Load, plain: Load) -> tuple[str, ...]:
    alike = same.hooks - len(same.failures)
    return (
        version,
        str(same.hooks),
        f"{len(same.differences)} DIFFER" if same.differences else str(alike),
        str(len(same.failures)),
        _harm(ours),
        _harm(plain),
    )


def _harm(found: Load) -> str:
    if found.is_clean:
        return "all right"
    harm = {"failed": len(found.failed), "wrong": found.unlike}
    parts = [f"{count} {what}" for what, count in harm.items() if count]
    return ", ".join([*parts, f"{len(found.changed)} paths changed"])


def _notes(version: str, same: Identity) -> list[str]:
    """Return a line for each sample with hooks that fail, and why."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for place, why in same.failures.items():
        sample, _, hook = place.partition(": ")
        reasons.setdefault(sample, {}).setdefault(why.splitlines()[0], []).append(hook)
    return [
        f"- {version}, `{sample}`: {len(hooks)} hooks end with `{why}`"
        for sample, found in reasons.items()
        for why, hooks in found.items()
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m integration.versions",
        description="Try isolated-backend with several versions of setuptools.",
    )
    parser.add_argument(
        "versions", nargs="*", metavar="VERSION", help=f"default: {', '.join(VERSIONS)}the newest"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="put the table into FILE")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, metavar="DIR", help=f"where to work ({CACHE})"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
