"""The locks that one hook has on its trees. Who waits for one holds none."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from ..errors import TreeLockError
from ..messages import tell
from .holders import describe, holders, locked_around
from .treelock import open_lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .treelock import TreeLock

#: Seconds: the longest pause between two attempts, and how long waiting is not worth a word.
_PAUSE = _QUIET = 0.05


class Locks:
    """The locks of one hook; each is for writing where the value in *taken* is true."""

    def __init__(self, timeout: float) -> None:
        self.taken: dict[str, bool] = {}
        self._timeout = timeout
        self._locks: dict[str, TreeLock] = {}

    def try_take(self, trees: Mapping[str, bool]) -> bool:
        """Take more *trees*, or some of them, without waiting; tell whether these are all."""
        for tree in trees.keys() - self._locks.keys():
            self._locks[tree] = open_lock(tree)
        if self._obstacle(trees) is None:
            self.taken.update(trees)
            return True
        return False

    def take(self, trees: Mapping[str, bool], purpose: str) -> None:
        """Wait until this hook can have more *trees*, in addition to those that are taken."""
        wanted = {**self.taken, **trees}
        begun = time.monotonic()
        is_told = False
        while tree := self._obstacle(wanted):
            for lock in self._locks.values():
                lock.let_go()
            waited = time.monotonic() - begun
            if waited >= min(_QUIET, self._timeout) and not is_told:
                is_told = True
                if self._goes_on_inside(tree, wanted[tree]):
                    continue
                if waited < self._timeout:
                    tell(
                        f"waiting for {self._others(tree)} {purpose} in {tree}. Builds that write "
                        'into their own tree take turns; see `in-tree-writes = "private"`.'
                    )
            if waited >= self._timeout:
                raise TreeLockError(
                    f"Waited {self._timeout:g} s for {self._others(tree)} {purpose} in {tree}. "
                    "Stop it, or increase `lock-timeout` in [tool.isolated-backend]."
                )
            time.sleep(min(_PAUSE, max(waited, 0.001)))
        self.taken.update(trees)

    def close(self) -> None:
        """Let go of all trees."""
        for lock in self._locks.values():
            lock.close()

    def _obstacle(self, wanted: Mapping[str, bool]) -> str | None:
        """Take the trees *wanted* one by one; return the one that cannot be had."""
        for tree in sorted(wanted):
            lock = self._locks[tree]
            if not (lock.try_write() if wanted[tree] else lock.try_read()):
                return tree
        return None

    def _goes_on_inside(self, tree: str, writing: bool) -> bool:
        """Take another lock of *tree* if who has started this build has that one to itself."""
        lock = self._locks[tree]
        around = locked_around(lock.descriptor)
        if around == "READ" and writing:
            raise TreeLockError(
                f"This build was started by a process that has locked {tree} for reading, so it "
                "could never write there. Lock it exclusively, as flock does without --shared."
            )
        if around == "WRITE":
            lock.close()
            self._locks[tree] = open_lock(tree, inner=True)
        return around == "WRITE"

    def _others(self, tree: str) -> str:
        pids = holders(self._locks[tree].descriptor).keys() - {os.getpid(), 0, -1}
        return " and ".join(map(describe, sorted(pids))) or "another build"
