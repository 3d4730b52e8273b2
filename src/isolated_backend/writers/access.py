"""What one hook may do with its source trees: read them, and from its first write on, write.

A lock among the writers alone would not do. A writes ``x.c`` and ends; B, which decided to
generate it before A was done, writes it once more; C found A's complete and, since it never
writes, compiles it at that moment. So the writer waits for the readers, too, and a new hook waits
for a writer at work. A project that writes nothing never waits.
"""

from __future__ import annotations

import mmap
import os
import threading
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from ..errors import BackendError, BuildAgainError, TreeLockError
from ..messages import tell
from .holders import describe, holders, locked_around
from .treelock import open_lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .mark import Mark
    from .treelock import TreeLock

_POLL = 0.05


class Access:
    """The access of one hook to its trees: to each, first for reading, then perhaps for writing.

    Args:
        root: the project root.
        timeout: how many seconds to wait for another build.
        mark: the mark to leave on the first write.
    """

    def __init__(self, root: str, timeout: float, mark: Mark) -> None:
        self._root = root
        self._timeout = timeout
        self.mark = mark
        self._locks: dict[str, TreeLock] = {}
        self._taken: dict[str, bool] = {}  # by tree: whether for writing
        self._shared = mmap.mmap(-1, 2)  # with forked processes: has written, has failed
        self._threads = threading.Lock()  # build_ext may compile, and write, in several
        self._owner = os.getpid()
        self._error: BackendError | None = None

    @property
    def has_written(self) -> bool:
        """Whether this hook, or a process that it has forked, has begun to write."""
        return self._shared[0] > 0

    @property
    def failure(self) -> BackendError | None:
        """Why a write was refused, which the project's own code may have hidden."""
        return self._error or (self.again() if self._shared[1] else None)

    def write(self, tree: str, what: str) -> None:
        """Wait until nobody else reads *tree* or writes to it; from then on, nobody does.

        Args:
            tree: the tree.
            what: what is to be written, or what may write, for whoever waits.
        """
        self.take({tree: True}, f"to write ({what})")
        if not self.has_written:
            self._shared[0] = 1
            self._leave_mark()

    def take(self, trees: Mapping[str, bool], purpose: str) -> None:
        """Wait until this hook can have *trees*, for writing where the value is true.

        Raises:
            TreeLockError: another build held one of them for too long.
            BuildAgainError: this hook has written already, so it cannot let go while it waits.
        """
        is_forked = os.getpid() != self._owner
        # A forked process has a copy of the lock of threads that may never be freed. And what it
        # locks by itself, a daemon would have locked for as long as it lives.
        with nullcontext() if is_forked else self._threads:
            more = {
                tree: writing
                for tree, writing in trees.items()
                if self._lacks(tree, writing) and not (is_forked and tree not in self._locks)
            }
            try:
                self._take(more, purpose)
            except BackendError as error:
                self._error, self._shared[1] = error, 1
                raise

    def is_writer(self, tree: str) -> bool:
        """Tell whether this hook has *tree* to itself."""
        return self._taken.get(tree, False)

    def again(self) -> BackendError:
        """Return the error that has this hook run again, as a writer from the start."""
        if self._leave_mark():
            self._error = BuildAgainError("this build has to be run once more")
        else:
            self._error = TreeLockError(
                f"This build of {self._root} has to be alone, and there is no place to note that. "
                'Set `in-tree-writes = "lock"` in [tool.isolated-backend].'
            )
        self._shared[1] = 1
        return self._error

    def close(self) -> None:
        """Let go of all trees."""
        for lock in self._locks.values():
            lock.close()

    def _lacks(self, tree: str, writing: bool) -> bool:
        return tree not in self._taken or writing > self._taken[tree]

    def _leave_mark(self) -> bool:
        return self.mark.leave({t: w for t, w in self._taken.items() if t != self._root})

    def _take(self, more: dict[str, bool], purpose: str) -> None:
        for tree in more.keys() - self._locks.keys():
            self._locks[tree] = open_lock(tree)
        if more and self._obstacle(more):
            if self.has_written:
                self._taken |= more
                raise self.again()
            self._wait({**self._taken, **more}, purpose)
        self._taken |= more
        if more and self.has_written:
            self._leave_mark()

    def _obstacle(self, wanted: dict[str, bool]) -> str | None:
        """Take the trees *wanted* one by one; return the one that cannot be had."""
        for tree in sorted(wanted):
            lock = self._locks[tree]
            if not (lock.try_write() if wanted[tree] else lock.try_read()):
                return tree
        return None

    def _wait(self, wanted: dict[str, bool], purpose: str) -> None:
        """Take the trees *wanted* all at once: who waits holds nothing, so nobody waits for it."""
        deadline = time.monotonic() + self._timeout
        pause, told = 0.001, False
        while tree := self._obstacle(wanted):
            for lock in self._locks.values():
                lock.let_go()
            late = time.monotonic() > deadline
            if not told and (late or pause >= _POLL):
                told = True
                if self._is_inside(tree, wanted[tree]):
                    continue
                if not late:
                    tell(
                        f"waiting for {self._others(tree)} {purpose} in {tree}. Builds that write "
                        'into their own tree take turns; see `in-tree-writes = "private"`.'
                    )
            if late:
                raise TreeLockError(
                    f"Waited {self._timeout:g} s for {self._others(tree)} {purpose} in {tree}. "
                    "Stop it, or increase `lock-timeout` in [tool.isolated-backend]."
                )
            time.sleep(pause)
            pause = min(pause * 2, _POLL)

    def _is_inside(self, tree: str, writing: bool) -> bool:
        """Tell whether *tree* is locked by who has started this build; then go on inside that.

        Raises:
            TreeLockError: it is locked so that nobody could ever write.
        """
        lock = self._locks[tree]
        around = locked_around(lock.descriptor) if lock.announces else None
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
        pids = {each.pid for each in holders(self._locks[tree].descriptor)} - {os.getpid(), 0, -1}
        return " and ".join(map(describe, sorted(pids))) or "another build"
