"""What is found, for a reader and as a table in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .finding import Report

_HEAD = ("project", "the writer is", "its own writes", "programs", "unexplained")

#: How many of a kind are shown in one line.
_MOST = 4


def lines(report: Report, *, is_long: bool) -> Iterator[str]:
    """Yield what there is to say about one project.

    Args:
        report: what was found.
        is_long: whether the project's own writes and its programs are to be told, too.
    """
    found = report.grouped()
    verdict = f"{len(found) or 'nothing'} unexplained"
    yield f"{report.name}: {report.skipped or verdict}"
    for group in found:
        by = f", by {_few(sorted(group.programs))}" if any(group.programs) else ""
        yield f"    {group} ({_few(sorted(group.hooks))}{by})"
    if is_long:
        if report.writers:
            yield f"    the writer: {_few(sorted(report.writers))}"
        for name, known in (("its own", report.own), ("starts", report.programs)):
            for path, hooks in sorted(known.items()):
                yield f"    {name}: {path} ({_few(sorted(hooks))})"


def summary(reports: Sequence[Report]) -> str:
    """Return the counts in one sentence."""
    counted = [report for report in reports if not report.skipped]
    faults = [report for report in counted if report.is_fault]
    text = (
        f"{len(counted)} projects, hook by hook: "
        f"{sum(len(report.grouped()) for report in faults) or 'no'} unexplained writes"
    )
    if faults:
        text += f" in {len(faults)} of them"
    if len(counted) < len(reports):
        text += f"; {len(reports) - len(counted)} more could not be traced"
    return text + "."


def markdown(reports: Sequence[Report]) -> str:
    """Return the table, with the sentence that counts."""
    rows = [_line(_HEAD), _line("---" for _ in _HEAD), *map(_row, reports)]
    return f"{summary(reports)}\n\n" + "\n".join(rows) + "\n"


def _row(report: Report) -> str:
    return _line(
        (
            report.name,
            _few(sorted(report.writers)),
            _few([f"`{path}`" for path in sorted(report.own)]),
            _few(sorted(name for name in report.programs if "(by" not in name)),
            report.skipped or _few(list(map(str, report.grouped()))),
        )
    )


def _few(items: Sequence[str]) -> str:
    shown = ", ".join(items[:_MOST])
    return shown if len(items) <= _MOST else f"{shown} and {len(items) - _MOST} more"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
