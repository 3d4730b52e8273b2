"""filelock's ``ReadWriteLock`` as the lock of a tree, where the kernel's is not to be had.

That is so on Windows and on some network file systems. The lock file is in the directory of this
user's slots.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..shadow.temporary import directory_of, temporary_directory

if TYPE_CHECKING:
    from collections.abc import Callable


class StandIn:
    """filelock's lock of the tree in *root*.

    It belongs to one thread of one process, while a hook may begin to write in any: so one thread
    of its own takes it. A forked child has not got that thread; it goes on in what its parent has.
    """

    def __init__(self, root: str) -> None:
        from concurrent.futures import ThreadPoolExecutor

        import filelock

        directory = directory_of(root, temporary_directory())
        os.makedirs(directory, mode=0o700, exist_ok=True)
        path = os.path.join(directory, "tree.lock")
        self._timed_out = filelock.Timeout
        self._owner = os.getpid()
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._lock = self._thread.submit(filelock.ReadWriteLock, path, is_singleton=False).result()
        self._is_taken = False

    def try_read(self) -> bool:
        """See :class:`~.treelock.TreeLock`."""
        return self._try(self._lock.acquire_read)

    def try_write(self) -> bool:
        """See :class:`~.treelock.TreeLock`."""
        self._let_go()
        return self._try(self._lock.acquire_write)

    def _try(self, acquire: Callable[..., object]) -> bool:
        if os.getpid() != self._owner:
            return True
        try:
            self._thread.submit(acquire, blocking=False).result()
        except self._timed_out:
            return False
        self._is_taken = True
        return True

    def _let_go(self) -> None:
        if self._is_taken and os.getpid() == self._owner:
            self._is_taken = False
            self._thread.submit(self._lock.release).result()

    def holders(self) -> list[int]:
        """Return nothing: filelock does not tell."""
        return []

    def close(self) -> None:
        """See :class:`~.treelock.TreeLock`."""
        self._let_go()
        self._thread.shutdown(wait=os.getpid() == self._owner)
