"""The results as tables in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

from . import limits
from .contestants import CONTESTANTS, FLOCK, OURS, PLAIN, Contestant
from .limits import Finding
from .results import Record, Results
from .tasks import HOOKS
from .trees import TREES


def markdown(results: Results, plot: str = "") -> str:
    """Return all that there is to tell.

    Args:
        results: what has been measured.
        plot: where the plot is, as seen from the page; empty for none.
    """
    records = list(results)
    alone = [record for record in records if record.scenario.at_once == 1]
    together = {_load(record) for record in records if record.scenario.at_once > 1}
    blocks = [*_circumstances(records)]
    if plot:
        blocks.append(f"![Seconds against files, and against builds at once]({plot})")
    blocks += ["### Limits", _limits(limits.findings(results))]
    blocks += ["### One at a time", *_tables(alone, _task)]
    blocks += ["### Single hooks, paired with setuptools", *_hooks(alone)]
    blocks += [
        "### At the same instant",
        *_tables([record for record in records if _load(record) in together], _load, "builds"),
    ]
    return "\n\n".join(blocks) + "\n"


def _circumstances(records: Sequence[Record]) -> list[str]:
    """Return when, on what and with what the records were taken."""
    dates = sorted({record.taken for record in records})
    if not dates:
        return ["Nothing has been measured."]
    lines = [f"Taken {' to '.join(dict.fromkeys((dates[0], dates[-1])))}."]
    lines += [f"Machine: {_listed(machine)}." for machine in _unlike(r.machine for r in records)]
    versions: dict[str, dict[str, None]] = {}
    for record in records:
        for name, version in record.versions.items():
            versions.setdefault(name, {})[version] = None
    lines.append(f"Versions: {_listed({name: ' and '.join(versions[name]) for name in versions})}.")
    sources = {record.source for record in records}
    if len(sources) > 1:
        lines.append(f"They are of {len(sources)} states of our source.")
    return ["\n".join(lines)]


def _unlike(mappings: Iterable[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Return *mappings* without those that are there already."""
    found: list[Mapping[str, object]] = []
    for mapping in mappings:
        if mapping not in found:
            found.append(mapping)
    return found


def _listed(facts: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def _limits(findings: Sequence[Finding]) -> str:
    """Return a table with a row for each limit that was set for one scenario.

    What holds for every hook and for every build's memory has one row for all: the worst.
    """
    rows = []
    for _, group in groupby(findings, key=lambda finding: finding.group or finding.about):
        found = list(group)
        counted = sorted((f for f in found if f.value is not None), key=lambda f: f.value or 0.0)
        worst = next((f for f in found if f.failures), counted[-1] if counted else found[0])
        about, figure = worst.about, worst.figure
        if worst.group:
            held = sum(finding.verdict == "held" for finding in found)
            about = worst.group
            figure = f"{held} of {len(found)}" + (f"; {figure}, {worst.about}" if counted else "")
        verdict = "missed" if any(finding.missed for finding in found) else worst.verdict
        rows.append((about, f"≤ {worst.most:.2f}", figure, verdict))
    return table(("ours against", "limit", "measured", ""), rows)


def _task(record: Record) -> str:
    return f"{record.scenario.task.name}: {record.scenario.task.title}"


def _load(record: Record) -> str:
    return f"{_task(record)}, {record.scenario.tree.title}"


def _tables(
    records: Sequence[Record], title: Callable[[Record], str], label: str = "project"
) -> list[str]:
    """Return a table for all the records of each title, with the title before it."""
    blocks = []
    titles = dict.fromkeys(title(record) for record in records)
    for each in titles:
        rows = [record for record in records if title(record) == each]
        if label == "builds":
            labels = [str(record.scenario.at_once) for record in rows]
        else:
            labels = [record.scenario.tree.title for record in rows]
        blocks += [f"{each}:", _comparison(rows, labels, label)]
    return blocks or ["Nothing has been measured."]


def _comparison(records: Sequence[Record], labels: Sequence[str], label: str) -> str:
    """Return a table with a row for each record and a column for each contestant."""
    others = [
        contestant
        for contestant in CONTESTANTS.values()
        if contestant != OURS and any(contestant in record.rounds for record in records)
    ]
    # In a load, the title is that of the builds that are not alone.
    titles = [records[-1].scenario.title_of(contestant) for contestant in others]
    head = (label, "pairs", "ours", *titles, "CPU of setuptools", "memory of setuptools")
    rows = [
        (
            name,
            str(record.pairs),
            _ours(record),
            *(_ratio(record, contestant) for contestant in others),
            *(str(record.ratio(_setuptools(record), each) or "") for each in ("cpu", "memory")),
        )
        for name, record in zip(labels, records, strict=True)
    ]
    return table(head, rows)


def _setuptools(record: Record) -> Contestant:
    """Return who shows what setuptools needs; where builds would collide, it is under a lock."""
    return PLAIN if PLAIN in record.rounds else FLOCK


def _ours(record: Record) -> str:
    median = record.median(OURS)
    figure = f"{median:.2f} s" if median is not None else ""
    return ", ".join(part for part in (figure, _failures(record, OURS)) if part)


def _ratio(record: Record, contestant: Contestant) -> str:
    failures = _failures(record, contestant)
    ratio = record.ratio(contestant)
    return ", ".join(part for part in (str(ratio or ""), failures) if part)


def _failures(record: Record, contestant: Contestant) -> str:
    failed, builds = record.failures(contestant)
    return f"{failed} of {builds} fail" if failed else ""


def _hooks(records: Sequence[Record]) -> list[str]:
    """Return a table with a row for each hook and a column for each tree."""
    by_key = {record.scenario.key: record for record in records}
    trees = [tree for tree in TREES if any(key[0] == tree for key in by_key)]
    rows = []
    for task in HOOKS:
        for hook in task.hooks:
            found = [by_key.get((tree, task.name, 1)) for tree in trees]
            if any(found):
                cells = (
                    str(record.ratio(PLAIN, step=hook) or "") if record else "" for record in found
                )
                rows.append((f"{hook} ({task.name})", *cells))
    if not rows:
        return ["Nothing has been measured."]
    return [table(("hook", *(TREES[tree].title for tree in trees)), rows)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; columns without a value are left out."""
    rows = list(rows)
    kept = [n for n in range(len(head)) if any(row[n] for row in rows)]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line[n] for n in kept) + " |" for line in lines)
