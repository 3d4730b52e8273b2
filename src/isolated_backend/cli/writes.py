"""What a project's own code writes into its tree while it is built, and the setting that fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import places

if TYPE_CHECKING:
    from collections.abc import Collection

    from .snapshot import Changes


@dataclass(frozen=True)
class Writes:
    """What a project's own code writes into its tree while it is built.

    Attributes:
        seen: the paths that isolated_backend sees being written.
        unseen: those that it does not, for a child process or an extension module writes them.
    """

    seen: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()

    def __or__(self, other: Writes) -> Writes:
        """Return the writes of two builds; what one of them has not seen counts as unseen."""
        unseen = self.unseen | other.unseen
        return Writes((self.seen | other.seen) - unseen, unseen)

    @property
    def paths(self) -> frozenset[str]:
        """All of them."""
        return self.seen | self.unseen

    @property
    def fitting(self) -> str:
        """The value of ``in-tree-writes`` that keeps two builds from writing at once."""
        return "lock" if self.unseen else "auto"


def of(changes: Changes, log: Collection[str], staging: Collection[str] = ()) -> Writes:
    """Return what the project's own code has written in one build by isolated_backend.

    Args:
        changes: what is different in the root.
        log: what isolated_backend has seen being written; directories have no slash.
        staging: the directories in which setuptools stages an sdist.
    """

    def is_own(path: str) -> bool:
        # What is of setuptools is a failure of ours, whoever has written it.
        return places.of(path, staging) is None

    found = set(filter(is_own, (*changes.paths, *changes.rewritten)))
    seen = {path for path in found if path.rstrip("/") in log}
    # A temporary file, for one, that is no longer there.
    passing = set(filter(is_own, log)) - {path.rstrip("/") for path in seen}
    return Writes(frozenset(seen | passing), frozenset(found - seen))
