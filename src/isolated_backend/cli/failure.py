"""Why a build failed: the line that says it, and which failures are of one kind."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ERROR = re.compile(
    r"^(?:error|fatal)\b"  # distutils, git
    r"|:\s(?:fatal )?error:"  # a compiler, behind the place
    r"|^ERROR\b"
    r"|^[\w.]*(?:Error|Exception)\b"  # the end of a traceback
    r"|^SystemExit: (?!\d+$)"  # what setup.py has to say at its end, where a traceback shows it
    r"|^isolated-backend: "  # ours, where it is no information
)

# What the backend says of a build that goes on.
_INFORMATION = re.compile(
    r"^isolated-backend: (?:waiting for |keeping the shadow in |warning: |no private tree of "
    r"|what setuptools would write in |.* -> |.* was built in isolation and is in )"
)

# What a frontend adds to what the backend has said before.
_NO_NEWS = re.compile(
    r"^ERROR Backend subprocess exited|^\* |^Traceback |^TIP "  # build
    r"|^\s*error: (?:[a-z]+-)+[a-z]+$|^ERROR: Exception:$"  # pip
    r"|^\s*ERROR: Failed (?:building|to build) |^Failed to build \S+$"
    r"|^\s*(?:\u00d7|│|╰─>|├─▶|╰─▶|note:|hint:|\[end of output\])"  # pip and uv
    r"|^error: Failed to build |^\s+(?:cause|Caused by): "  # uv
    r"|^\s*[\w.]+: (?:FAIL |packaging backend failed |\w+ .*> )"  # tox
    r"|^Backend: |^\s*evaluation failed "
)

# pip shows the backend's output indented.
_INDENTED = re.compile(r"^ {6}(?=\S)")

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

_LONGEST = 200


def first_error(output: str, root: str) -> str:
    """Return the line of *output* that tells first what went wrong.

    Args:
        output: what a build printed.
        root: the project root, which is left out of the line.
    """
    plain = _COLOUR.sub("", output)
    lines = [_INDENTED.sub("", line.rstrip()) for line in plain.splitlines() if line.strip()]
    news = [
        index
        for index, line in enumerate(lines)
        if not (_NO_NEWS.match(line) or _INFORMATION.match(line))
    ]
    if not news:
        return "it printed no error"
    index = next((i for i in news if _ERROR.search(lines[i])), news[-1])
    line = lines[index].strip().removeprefix("SystemExit: ")
    if line.endswith(":") and index + 1 < len(lines):
        line += " " + lines[index + 1].strip()
    return _shortened(_without(root, line))


def last_error(output: str) -> str:
    """Return the last line of *output* that is an error: pip puts its conclusion at the end."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["pip printed no error"])[-1]


@dataclass(frozen=True)
class Failures:
    """Failures of one kind.

    Attributes:
        line: the first one's line.
        through: how many there were through each frontend, by its name.
    """

    line: str
    through: Counter[str] = field(default_factory=Counter)


def kinds(failures: Iterable[tuple[str, str]]) -> list[Failures]:
    """Group error lines that differ by no more than names and numbers.

    Args:
        failures: for each, the frontend's name and the line.

    Returns:
        The groups, the largest first.
    """
    groups: dict[str, Failures] = {}
    for frontend, line in failures:
        key = re.sub(r"'[^']*'|\"[^\"]*\"|\S*[/\\]\S*", "…", line)
        group = groups.setdefault(re.sub(r"0x[0-9a-f]+|\d+", "N", key), Failures(line))
        group.through[frontend] += 1
    return sorted(groups.values(), key=lambda group: -group.through.total())


def _shortened(line: str) -> str:
    """Return the beginning of *line*: shutil lists every file of a directory in one."""
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _without(root: str, line: str) -> str:
    """Return *line* with paths below *root* made relative, as ``repr`` spells them, too."""
    for spelling in (root, root.replace("\\", "\\\\")):
        line = re.sub(re.escape(spelling) + r"(?:/|\\\\?)", "", line).replace(spelling, ".")
    return line
