"""Sorting what the processes of a hook have done into what is explained and what is not."""

from __future__ import annotations

import os

from .finding import Finding, Report
from .known import Known
from .places import Places, is_in


def judge(hook: str, places: Places, known: Known, report: Report) -> None:
    """Add to *report* what *hook* did.

    Args:
        hook: its name.
        places: where it may write, with the trace of what it wrote.
        known: what its project writes itself.
        report: gets the findings, the project's own writes and the programs.
    """
    trace = places.trace
    last = {write.path: trace.was_writer(write) for write in trace.writes}
    for write in trace.writes:
        path = _without_links(write.path)
        name = places.label(path)
        if not places.is_in_tree(path):
            fault = places.fault(write)
        else:
            is_writer = trace.was_writer(write) or (known.is_seen_late(name) and last[write.path])
            fault = _fault_in_tree(name, hook, known, is_writer=is_writer)
            if not fault:
                report.own[name].add(hook)
        if fault:
            report.add(Finding(fault, name, hook, title(write.words)))
    if places.is_held:
        report.writers.add(hook)
        if known.reads and hook != "build_editable":
            report.add(Finding("the writer, without need", "the tree", hook))
    for program in trace.programs:
        name, starter = title(program.words), title(program.starter)
        where = _where(program.directory, places)
        if starter == title(trace.first):
            report.programs[f"{name} in {where}"].add(hook)
        elif places.is_in_tree(program.directory):
            report.programs[f"{name} (by {starter}) in {where}"].add(hook)


def _fault_in_tree(name: str, hook: str, known: Known, *, is_writer: bool) -> str:
    """Return what is wrong with a write to *name*, which is in the tree; empty if nothing is."""
    if known.needs_no_lock(name):
        return ""
    if not is_writer:
        return "in the tree, while not the writer"
    return "" if known.is_own(name, hook) else "in the tree, not named in known.toml"


def title(words: tuple[str, ...]) -> str:
    """Return a short name for the command line *words*."""
    if not words:
        return ""
    name = os.path.basename(words[0])
    if not name.startswith("python"):
        return name
    for word, following in zip(words[1:], [*words[2:], ""], strict=True):
        if word == "-m":
            return f"{name} -m {following}"
        if word == "-c":
            return f"{name} -c"
        if not word.startswith("-"):
            return f"{name} {os.path.basename(word)}"
    return name


def _where(directory: str, places: Places) -> str:
    if is_in(directory, [places.tree]):
        return places.label(directory)
    return "TMPDIR" if is_in(directory, [places.temporary]) else "elsewhere"


def _without_links(path: str) -> str:
    """Return *path* without symbolic links in what leads to it."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
