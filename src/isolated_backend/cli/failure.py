"""Why a build failed: the line that says it, and which failures are of one kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ERROR = re.compile(
    r"^(?:error|fatal)\b"  # distutils, git
    r"|:\s(?:fatal )?error:"  # a compiler, behind the place
    r"|^ERROR\b"
    r"|^[\w.]*(?:Error|Exception)\b"  # the end of a traceback
)

# What a frontend adds to what the backend has said before.
_NO_NEWS = re.compile(r"^ERROR Backend subprocess exited|^\* |^Traceback ")

_LONGEST = 200


def first_error(output: str, root: str) -> str:
    """Return the line of *output* that tells first what went wrong.

    Args:
        output: what a build printed.
        root: the project root, which is left out of the line.
    """
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    news = [index for index, line in enumerate(lines) if not _NO_NEWS.match(line)]
    if not news:
        return "it printed no error"
    index = next((i for i in news if _ERROR.search(lines[i])), news[-1])
    line = lines[index].strip()
    if line.endswith(":") and index + 1 < len(lines):
        line += " " + lines[index + 1].strip()
    return _shortened(_without(root, line))


def last_error(output: str) -> str:
    """Return the last line of *output* that is an error: pip puts its conclusion at the end."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["pip printed no error"])[-1]


def kinds(lines: Iterable[str]) -> list[tuple[str, int]]:
    """Group error lines that differ by no more than names and numbers.

    Returns:
        The first line of each kind and how many there are, the most frequent first.
    """
    groups: dict[str, list[str]] = {}
    for line in lines:
        key = re.sub(r"'[^']*'|\"[^\"]*\"|\S*[/\\]\S*", "…", line)
        groups.setdefault(re.sub(r"0x[0-9a-f]+|\d+", "N", key), []).append(line)
    counted = [(group[0], len(group)) for group in groups.values()]
    return sorted(counted, key=lambda kind: -kind[1])


def _shortened(line: str) -> str:
    """Return the beginning of *line*: shutil lists every file of a directory in one."""
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _without(root: str, line: str) -> str:
    """Return *line* with paths below *root* made relative, as ``repr`` spells them, too."""
    for spelling in (root, root.replace("\\", "\\\\")):
        line = re.sub(re.escape(spelling) + r"(?:/|\\\\?)", "", line).replace(spelling, ".")
    return line
