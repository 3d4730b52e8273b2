"""What a project's own code writes into its tree while it is built, and the setting that fits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from ..writers import writelog
from . import places

if TYPE_CHECKING:
    from collections.abc import Collection

    from .snapshot import Changes


@dataclass(frozen=True)
class Writes:
    """What a project's own code writes into its tree while it is built.

    Attributes:
        seen: the paths that isolated_backend sees being written.
        unseen: those that it does not, because a program or an extension module writes them.
        programs: the command lines of programs that may write there.
        modules: extension modules that have written before a build had the tree to itself.
    """

    seen: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()
    programs: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()

    def __or__(self, other: Writes) -> Writes:
        """Return the writes of two builds; what one of them has not seen counts as unseen."""
        unseen = self.unseen | other.unseen
        return Writes(
            (self.seen | other.seen) - unseen,
            unseen,
            self.programs | other.programs,
            self.modules | other.modules,
        )

    @property
    def paths(self) -> frozenset[str]:
        """All of them."""
        return self.seen | self.unseen

    @property
    def fitting(self) -> str:
        """The value of ``in-tree-writes`` that keeps two builds from writing at once.

        Where a program may write, a build has the tree to itself before it starts that.
        """
        return "lock" if self.modules or (self.unseen and not self.programs) else "auto"


def of(changes: Changes, log: Collection[str], staging: Collection[str] = ()) -> Writes:
    """Return what the project's own code has written in one build by isolated_backend.

    Args:
        changes: what is different in the root.
        log: the lines that isolated_backend has logged; directories have no slash.
        staging: the directories in which setuptools stages an sdist.
    """

    def is_own(path: str) -> bool:
        # What is of setuptools is a failure of ours, whoever has written it.
        return places.of(path, staging) is None

    programs = _after(writelog.PROGRAM, log)
    modules = _after(writelog.UNSEEN, log)
    log = {PurePath(line).as_posix() for line in log if not line.startswith("//")}
    found = set(filter(is_own, (*changes.paths, *changes.rewritten)))
    seen = {path for path in found if path.rstrip("/") in log}
    # A temporary file, for one, that is no longer there.
    passing = set(filter(is_own, log)) - {path.rstrip("/") for path in seen}
    return Writes(frozenset(seen | passing), frozenset(found - seen), programs, modules)


def _after(prefix: str, lines: Collection[str]) -> frozenset[str]:
    return frozenset(line.removeprefix(prefix) for line in lines if line.startswith(prefix))
