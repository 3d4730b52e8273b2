"""The lock of one tree: any number of readers, or one writer. A killed process lets go of it.

It is ``flock`` on the project's pyproject.toml, opened for reading: there is no lock file, it works
on a read-only mount, and it is the same for every TMPDIR, user and container that sees the file. It
is not on the root directory, because people wrap builds in ``flock .``; only where there is no
pyproject.toml the directory has to serve. Where the file system has no such locks, one of this
user's files does.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from ..errors import TreeLockError
from ..shadow.lock import try_lock, unlock
from ..shadow.temporary import own_directory_of, temporary_directory
from .announcement import IS_HERE, announce, is_announced, retract


class TreeLock:
    """The lock of one tree.

    Args:
        tree: a directory.
        descriptor: the open file that the lock is on; without one, there is no more than reading.
        announces: whether bytes of the file can be locked without being in anybody's way.

    Raises:
        OSError: the file system has no locks.
    """

    def __init__(self, tree: str, descriptor: int | None, *, announces: bool = True) -> None:
        self.descriptor = descriptor
        self.announces = announces
        self._tree = tree
        self._owner = os.getpid()
        if descriptor is not None:
            try:
                try_lock(descriptor, shared=True)
            except OSError:
                os.close(descriptor)
                raise
            if announces:
                announce(descriptor, IS_HERE)

    def try_read(self) -> bool:
        """Take it for reading, unless somebody writes or waits to write."""
        if self.descriptor is None:
            return True
        # Builds that follow each other without a gap would keep a writer waiting for ever.
        if is_announced(self.descriptor):
            self.let_go()
            return False
        return try_lock(self.descriptor, shared=True)

    def try_write(self) -> bool:
        """Take it for writing, unless anybody else has it. Failing gives up the reading.

        Raises:
            TreeLockError: nobody can lock this tree for writing.
        """
        try:
            if self.descriptor is not None and try_lock(self.descriptor):
                return True
        except OSError:  # as on NFS, and pyproject.toml cannot be written
            self.close()
            self.descriptor = None
        if self.descriptor is None:
            raise TreeLockError(
                "There is no lock that keeps other builds from packaging what this one is about "
                f"to write in {self._tree}, half-written. Make its pyproject.toml writable, point "
                "TMPDIR to a file system that has locks, or see to it that there is one build at "
                'a time and set `in-tree-writes = "allow"` in [tool.isolated-backend].'
            )
        if self.announces:
            announce(self.descriptor)
        return False

    def let_go(self) -> None:
        """Let others have it, and go on waiting for it."""
        if self.descriptor is not None:
            unlock(self.descriptor)

    def close(self) -> None:
        """Let go, and let a daemon that setup.py has forked let go, too."""
        if self.descriptor is not None:
            if os.getpid() == self._owner:  # a forked child must not free its parent's lock
                with suppress(OSError):
                    retract(self.descriptor)
                    unlock(self.descriptor)
            os.close(self.descriptor)


def open_lock(tree: str, *, inner: bool = False) -> TreeLock:
    """Return the lock of the tree in *tree*, not taken yet.

    Args:
        tree: a directory.
        inner: lock a file of this user's: who has started this process has locked the tree's.
    """
    is_remote = False
    with suppress(OSError):
        is_remote = _locks_all_bytes(tree)
    with suppress(OSError):
        if not inner:
            return TreeLock(tree, opened(tree, writable=is_remote), announces=not is_remote)
    with suppress(OSError):
        return TreeLock(tree, _opened_elsewhere(tree))
    return TreeLock(tree, None)


def opened(tree: str, *, writable: bool = False) -> int:
    """Open what the lock of the tree in *tree* is on.

    Args:
        tree: a directory.
        writable: for writing as well, if possible. Whoever watches the file is woken by that.

    Raises:
        OSError: there is no such tree.
    """
    path = os.path.join(tree, "pyproject.toml")
    flags = getattr(os, "O_NONBLOCK", 0)  # never wait for whatever else it is
    if writable:
        with suppress(OSError):
            return os.open(path, os.O_RDWR | flags)
    try:
        return os.open(path, os.O_RDONLY | flags)
    except FileNotFoundError:
        return os.open(tree, os.O_RDONLY)


def _locks_all_bytes(tree: str) -> bool:
    """Tell whether flock locks bytes, as on NFS: then an exclusive lock needs a writable file.

    The lock of the tree would be in the way of other builds, so this tries that of another file.
    """
    with os.scandir(tree) as entries:
        files = (each for each in entries if each.is_file(follow_symlinks=False))
        path = next((each.path for each in files if each.name != "pyproject.toml"), None)
    if path is not None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            try_lock(descriptor)
        except OSError as error:
            return error.errno == errno.EBADF
        finally:
            os.close(descriptor)
    return False


def _opened_elsewhere(tree: str) -> int:
    path = os.path.join(own_directory_of(tree, temporary_directory()), "tree.lock")
    return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
