"""What can go wrong before there is anything to compare."""

from __future__ import annotations


class CorpusError(Exception):
    """A project cannot be tried; the text says why in one line."""


def first_error_line(output: str) -> str:
    """Return the line of a failed command's *output* that says most: the last with an error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() and not line.startswith("note")]
    return (telling or lines or ["no output"])[-1][:200]
