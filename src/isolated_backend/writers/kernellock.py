"""``flock`` as the lock of a tree.

It is on the project's pyproject.toml, opened for reading: there is no lock file, it works on a
read-only mount, and it is the same for every TMPDIR, user and container that sees the file. It is
not on the root directory, because people wrap builds in ``flock .``, and a hook would wait for its
own parent; only where there is no pyproject.toml the directory has to serve.
"""

from __future__ import annotations

import os
from contextlib import suppress

from ..shadow.lock import try_lock, unlock
from .announcement import announce, is_announced, retract


def opened_tree(root: str) -> int:
    """Open what the lock of the tree in *root* is on, for reading.

    Raises:
        OSError: there is no such tree.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # never wait for whatever else it is
    try:
        return os.open(os.path.join(root, "pyproject.toml"), flags)
    except FileNotFoundError:
        return os.open(root, os.O_RDONLY)


class KernelLock:
    """The kernel's lock of the tree in *root*.

    Going from reading to writing lets go first, so two that do it at the same time cannot wait
    for each other.

    Raises:
        OSError: this system, or this file system, has no shared lock on a descriptor for reading.
    """

    def __init__(self, root: str) -> None:
        self._owner = os.getpid()
        self._descriptor = opened_tree(root)
        try:
            try_lock(self._descriptor, shared=True)
        except OSError:
            self.close()
            raise

    def try_read(self) -> bool:
        """See :class:`~.treelock.TreeLock`."""
        # Builds that follow each other without a gap would keep a writer waiting for ever.
        if is_announced(self._descriptor):
            unlock(self._descriptor)
            return False
        return try_lock(self._descriptor, shared=True)

    def try_write(self) -> bool:
        """See :class:`~.treelock.TreeLock`."""
        if try_lock(self._descriptor):
            return True
        announce(self._descriptor)
        return False

    def holders(self) -> list[int]:
        """See :class:`~.treelock.TreeLock`."""
        from .holders import holders

        return sorted({each.pid for each in holders(self._descriptor)} - {os.getpid(), 0, -1})

    def close(self) -> None:
        """Let go, and let a daemon that setup.py has forked let go, too."""
        if os.getpid() == self._owner:  # a forked child must not free its parent's lock
            with suppress(OSError):
                retract(self._descriptor)
                unlock(self._descriptor)
        os.close(self._descriptor)
