"""The verdicts as a table in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .verdict import Artifact, Verdict

_HEAD = ("project", "version", "setuptools", "sdist", "wheel", "root", "note")


def rows(verdicts: Iterable[Verdict]) -> list[tuple[str, ...]]:
    """Return the cells of each verdict."""
    return [_row(verdict) for verdict in verdicts]


def markdown(verdicts: Sequence[Verdict]) -> str:
    """Return the table with a sentence that counts."""
    lines = [_line(_HEAD), _line("---" for _ in _HEAD)]
    lines += [_line(row) for row in rows(verdicts)]
    return f"{summary(verdicts)}\n\n" + "\n".join(lines) + "\n"


def put_into(path: Path, mark: str, text: str) -> None:
    """Write *text* to *path*; in a file with ``<!-- mark -->``, put it there.

    Args:
        path: the file.
        mark: where to; what is between it and the next ``<!-- end -->`` is replaced.
        text: what to put there.
    """
    start, end = f"<!-- {mark} -->\n", "<!-- end -->"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    head, found, rest = before.partition(start)
    if found:
        _, _, tail = rest.partition(end)
        text = f"{head}{start}\n{text}\n{end}{tail}"
    path.write_text(text, encoding="utf-8")


def summary(verdicts: Sequence[Verdict]) -> str:
    """Return the counts in one sentence or two."""
    counted = [verdict for verdict in verdicts if verdict.counts]
    perfect = [verdict for verdict in counted if verdict.is_perfect]
    writers = [verdict for verdict in counted if verdict.written]
    text = (
        f"{len(perfect)} of {len(counted)} projects: sdist, wheel, metadata and requirements are "
        "setuptools', member by member, and the root is untouched, but for what "
        f"{len(writers)} of them write into it themselves."
    )
    neither = len(verdicts) - len(counted)
    if neither:
        text += f" {neither} more could not be compared."
    return text


def note(verdict: Verdict) -> str:
    """Return what there is to say about a verdict."""
    parts = []
    if verdict.skipped:
        parts.append(verdict.skipped)
    if verdict.own_backend:
        parts.append(f"own backend `{verdict.own_backend}`, on ours instead of setuptools'")
    parts += verdict.requires
    for kind, artifact in verdict.artifacts.items():
        if artifact.error:
            parts.append(f"{kind}: {artifact.error}")
        if artifact.state == "varies":
            parts.append(f"{kind}: two builds by setuptools show {_few(artifact.varies)}")
        elif artifact.differences:
            parts.append(f"{kind}: {_few(artifact.differences)}")
    if verdict.leaked:
        parts.append(f"changed: {_few(verdict.leaked)}")
    if verdict.imported:
        parts.append("importing that backend writes its `__pycache__`")
    written = [path for path in verdict.written if path not in verdict.imported]
    if written:
        parts.append(f"the project writes {_few([f'`{path}`' for path in written])}")
    if verdict.unlike:
        parts.append(f"written otherwise: {_few(verdict.unlike)}")
    if verdict.because and not verdict.is_perfect:
        parts.append(verdict.because)
    return "; ".join(parts)


def _row(verdict: Verdict) -> tuple[str, ...]:
    root = "" if verdict.skipped else "untouched"
    if verdict.written:
        root = "own writes"
    if verdict.leaked:
        root = "CHANGED"
    states = (_state(verdict.artifacts.get(kind)) for kind in ("sdist", "wheel"))
    return (
        verdict.project,
        verdict.version,
        verdict.setuptools,
        *states,
        root,
        note(verdict),
    )


def _state(artifact: Artifact | None) -> str:
    if artifact is None:
        return ""
    if artifact.state == "differs":
        return "differs, repeatable" if artifact.repeatable else "DIFFERS"
    return {"fails": "FAILS"}.get(artifact.state, artifact.state)


def _few(items: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
