"""What is found, for a reader and as a table in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from backends import HOOKS

from .finding import Report, collapsed

_HEAD = ("project", "the writer", "its own writes", "programs", "unexplained")

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
        yield f"    {group} ({_hooks(group.hooks)}{by})"
    if is_long:
        yield f"    the writer: {_hooks(report.writers) or 'none'}"
        for path, below in collapsed(report.own).items():
            also = f" and {below} below it" if below else ""
            yield f"    its own: {path}{also} ({_hooks(report.own[path])})"
        for program, hooks in sorted(report.programs.items()):
            yield f"    starts: {program} ({_hooks(hooks)})"


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
            _hooks(report.writers - {"build_editable"}),
            _few([f"`{path}`" for path in collapsed(report.own)]),
            _few(sorted(name for name in report.programs if "(by" not in name)),
            report.skipped or _few(list(map(str, report.grouped()))),
        )
    )


def _hooks(hooks: set[str]) -> str:
    return "every hook" if hooks == set(HOOKS) else _few(sorted(hooks))


def _few(items: Sequence[str]) -> str:
    shown = ", ".join(items[:_MOST])
    return shown if len(items) <= _MOST else f"{shown} and {len(items) - _MOST} more"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
