"""The projects of the corpus and what is known about each."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import toml
from .errors import CorpusError

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Project:
    """One project: its name, the version that was asked for, and what is known about it."""

    name: str
    version: str = ""
    writes: tuple[str, ...] = ()
    """Patterns of the paths that the project's own code writes into its tree while it builds."""
    because: str = ""
    """Why a difference between its artifacts is not ours to mend; empty: there is none."""

    @property
    def requirement(self) -> str:
        """The project as pip is asked for it."""
        return f"{self.name}=={self.version}" if self.version else self.name


def is_own_write(path: str, writes: Iterable[str]) -> bool:
    """Tell whether *path* is one of those that a project's own code *writes*."""
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in writes)


def load(wanted: Sequence[str] = (), listed: str = "projects.txt") -> list[Project]:
    """Return the projects of the corpus, or those that are *wanted*.

    Args:
        wanted: each as ``name`` or ``name==version``.
        listed: the file with those to return if none are wanted.

    Raises:
        CorpusError: an entry of *wanted* is not a requirement of that form.
    """
    known = toml.read(HERE / "known.toml")
    return [_project(entry, known) for entry in wanted or _entries(listed)]


def _entries(listed: str) -> Iterable[str]:
    for line in (HERE / listed).read_text(encoding="utf-8").splitlines():
        entry = line.partition("#")[0].strip()
        if entry:
            yield entry


def _project(entry: str, known: dict[str, dict[str, Any]]) -> Project:
    match = re.fullmatch(r"([A-Za-z0-9][\w.-]*)(?:==([\w.+!]+))?", entry)
    if match is None:
        raise CorpusError(f"{entry!r} is neither a project's name nor `name==version`.")
    name = re.sub(r"[-_.]+", "-", match[1]).lower()
    facts = known.get(name, {})
    return Project(
        name,
        match[2] or "",
        writes=tuple(str(pattern) for pattern in facts.get("writes", ())),
        because=str(facts.get("because", "")),
    )
