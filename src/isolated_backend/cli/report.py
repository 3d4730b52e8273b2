"""What a user sees of what a check has found."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from . import collision, failure, snapshot
from .frontend import KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .finding import Half, Report
    from .frontend import Kind

_SHOWN = 3  # so many of each list
_OWN_SHOWN = 20  # and of what a project writes itself: that is for its owner to look through


def show(report: Report, console: Console | None = None) -> None:
    """Show what a check has found.

    Args:
        report: what it has found.
        console: where to show it; on the standard output by default.
    """
    console = console or Console(highlight=False)
    console.print()
    console.print(_table(report))
    halves = (report.own, report.isolated)
    details = (line for half in halves for line in _details(half, report.incomparable))
    for line in (*details, *_own_writes(report), "", _private_trees(report)):
        _print(console, Text(line))
    console.print()
    _print(console, Text(verdict(report), style="green" if report.isolated.perfect else "red"))


def verdict(report: Report) -> str:
    """Return the conclusion of *report* in a sentence, and the reasons that are the project's."""
    own, isolated = report.own, report.isolated
    sentences = [
        f"{report.name}: with {own.backend} {_outcome(own)}; "
        f"with {isolated.backend} {_outcome(isolated)}."
    ]
    sentences += [
        f"There were no {kind}s: {' and '.join(report.frontends)} builds none."
        for kind in KINDS
        if kind not in own.alone
    ]
    if report.unstable:
        kinds = " and ".join(f"{kind}s" for kind in report.unstable)
        sentences.append(
            f"Its {kinds} cannot be compared: {own.backend} makes a different one every time, "
            "even alone."
        )
    sentences += [
        f"Through {' and '.join(names)}, {own.backend} makes another {kind} than through the "
        "other frontends, even alone."
        for kind, names in report.deviating.items()
    ]
    return " ".join(sentences)


def _outcome(half: Half) -> str:
    """Return what became of the builds of *half*, as the second half of a sentence."""
    total, failed = len(half.results), len(half.failures)
    different, changed = total - failed - half.same, len(half.foreign)
    right = f"all {total} builds came out right" if total > 1 else "the build came out right"
    faults = []
    if failed:
        faults.append(f"{failed} of {total} builds failed")
    if different:
        verb = "is" if different == 1 else "are"
        faults.append(f"{different} of {total - failed} artifacts {verb} not what one alone is")
    if not half.uniform and not different:
        faults.append("not all artifacts are the same")
    if changed:
        faults.append(f"{changed} path{'s' * (changed > 1)} in the root changed")
    if not faults:
        left = "the root is untouched"
        if half.changes.paths:
            left = "nothing in the root changed but what the project itself writes"
        return f"{right} and {left}"
    if changed and len(faults) == 1:
        faults.insert(0, right)
    *others, last = faults
    return f"{', '.join(others)} and {last}" if others else last


def _table(report: Report) -> Table:
    halves = (report.own, report.isolated)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("", justify="left")
    for half in halves:
        # The longest name, with __legacy__, takes two lines to leave room in 80 columns.
        table.add_column(half.backend.replace(":", ":\n"), justify="right")
    table.add_row("builds at once", *(str(len(half.results)) for half in halves))
    for name in report.frontends:
        through = ([r for r in half.results if r.through == name] for half in halves)
        table.add_row(f"  through {name}", *(str(len(results)) for results in through))
    table.add_row("failed", *(_rated(len(h.failures), not h.failures) for h in halves))
    for kind in report.own.alone:
        table.add_row(f"distinct {kind}s", *(_distinct(half, kind) for half in halves))
    table.add_row("same content as one build alone", *map(_same, halves))
    table.add_row(
        "paths changed in the root", *(_rated(len(h.changes.paths), not h.foreign) for h in halves)
    )
    if report.isolated.writes.paths:
        own = (len(half.changes.paths) - len(half.foreign) for half in halves)
        table.add_row("  by the project's own code", *map(str, own))
    table.add_row("wall time", *(f"{half.seconds:.1f} s" for half in halves))
    return table


def _rated(value: object, good: bool) -> Text:
    return Text(str(value), style="green" if good else "red")


def _distinct(half: Half, kind: Kind) -> Text:
    distinct = half.distinct(kind)
    return _rated(distinct or "none made", distinct == 1)


def _same(half: Half) -> Text:
    made = len(half.results) - len(half.failures)
    return _rated(f"{half.same} of {made}", half.same == made > 0)


def _details(half: Half, incomparable: Collection[Kind]) -> Iterator[str]:
    """Yield lines on what went wrong in *half*: failures by kind, reasons, members, paths."""
    kinds = failure.kinds(half.failures)
    if kinds:
        yield ""
        yield f"Failures with {half.backend}:"
        yield from map(_failures, kinds[:_SHOWN])
        more = len(kinds) - _SHOWN
        if more > 0:
            yield f"  and {more} other kind{'s' * (more > 1)}"
    yield from _collisions(half, incomparable)
    for kind, members in half.differing.items():
        yield ""
        yield f"Members in which {kind}s of {half.backend} differ from one made alone:"
        yield _listed(members)
    if half.foreign:
        yield ""
        yield f"Paths in the root that {half.backend} changed:"
        yield _listed(list(snapshot.topmost(half.foreign)))


def _failures(kind: failure.Failures) -> str:
    return f"  {kind.through.total()}x through {' and '.join(kind.through)}: {kind.line}"


def _collisions(half: Half, incomparable: Collection[Kind]) -> Iterator[str]:
    """Yield lines on what the builds of *half* fought over, and why."""
    fought = collision.of(half, incomparable)
    if fought.found:
        yield ""
        yield f"What the builds with {half.backend} fought over, and why:"
        yield from map(_collision, fought.found)
    if fought.nowhere and fought.common:
        yield ""
        builds = f"{fought.nowhere} build{'s' * (fought.nowhere > 1)}"
        yield f"{builds} with {half.backend} failed and named no place; all of them write to:"
        yield _listed(list(fought.common))


def _collision(found: collision.Collision) -> str:
    outcomes = []
    if found.failed:
        others = len(found.failed) - 1
        more = f" and {others} more" if others else ""
        outcomes.append(f"{len(found.failed)} failed, at {found.failed[0]}{more}")
    for kind, number in Counter(found.spoiled).items():
        outcomes.append(f"{number} {kind}{'s' * (number > 1)} came out wrong")
    return f"  {found.place.path}: {found.place.use} ({'; '.join(outcomes)})"


def _own_writes(report: Report) -> Iterator[str]:
    """Yield lines on what the project's own code writes, and on the setting that fits."""
    writes, setting, fitting = report.isolated.writes, report.setting, report.fitting
    if not writes.paths and not writes.programs:
        return
    if writes.seen:
        yield ""
        yield "What the project's own code writes into its tree while it is built:"
        yield _own(writes.seen)
    if writes.unseen:
        yield ""
        yield "What a program or an extension module writes into the tree, unseen by hooks:"
        yield _own(writes.unseen)
    for names, title in (
        (writes.programs, "Programs that may write there, which a build starts when it is alone:"),
        (writes.modules, "What was loaded before something was written unseen:"),
    ):
        if names:
            yield ""
            yield title
            yield from (f"  {name}" for name in sorted(names)[:_OWN_SHOWN])
    yield ""
    reason = {
        "auto": "a build has the tree to itself from its first write or program on",
        "lock": "builds take turns from the start, as nothing tells when they begin to write",
        "private": "each build writes to a tree of its own, or takes turns where it has none",
    }[fitting]
    if setting != fitting:
        do = f'Set that in [tool.isolated-backend]; now it is "{setting}".'
    else:
        do = "It is the default." if setting == "auto" else "It is set already."
    if fitting != "private" and report.obstacle is None:
        do += ' With "private", builds need not wait, and leave the tree as it is.'
    yield f'The setting that fits is `in-tree-writes = "{fitting}"`: {reason}. {do}'


def _private_trees(report: Report) -> str:
    trees = 'Private trees (`in-tree-writes = "private"`)'
    if report.obstacle is None:
        return f"{trees} work on this machine."
    return f"{trees} do not work on this machine, for {report.obstacle}."


def _own(paths: frozenset[str]) -> str:
    return _listed(list(snapshot.topmost(sorted(paths))), _OWN_SHOWN)


def _listed(names: list[str], shown: int = _SHOWN) -> str:
    more = len(names) - shown
    return "  " + ", ".join(islice(names, shown)) + (f" and {more} more" if more > 0 else "")


def _print(console: Console, text: Text) -> None:
    """Print a paragraph: wrapped for a person, in one line for a log, with its indentation."""
    if not console.is_terminal:
        console.print(text, soft_wrap=True)
        return
    indent = len(text.plain) - len(text.plain.lstrip())
    console.print(Padding(Text(text.plain.lstrip(), style=text.style), (0, 0, 0, indent)))
