"""The lock of one tree: any number of readers, or one writer. A killed process lets go of it.

It is ``flock`` on the project's pyproject.toml, opened for reading: there is no lock file, it works
on a read-only mount, and it is the same for every TMPDIR, user and container that sees the file. It
is not on the root directory, because people wrap builds in ``flock .``; only where there is no
pyproject.toml the directory has to serve.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
from contextlib import suppress

from ..errors import TreeLockError
from ..shadow.lock import try_lock, unlock
from ..shadow.temporary import own_directory_of, temporary_directory

#: Never wait for whatever pyproject.toml may be. :mod:`.holders` tells our locks by that, too.
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)

_FLOCK = "@hhqqi4x"  # struct flock of fcntl(2)
_WAITS = 1  # the byte of the file that a waiting writer locks


class TreeLock:
    """The lock of *tree* on an open file; without one (``None``), reading is all that there is."""

    def __init__(self, tree: str, descriptor: int | None, *, announces: bool = True) -> None:
        self.descriptor = descriptor
        self._tree = tree
        self._announces = announces
        self._owner = os.getpid()

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
        """Take it for writing, unless anybody else has it. Failing gives up the reading."""
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
        if self._announces:
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
                    _ask("SETLK", self.descriptor, "UNLCK")
                    unlock(self.descriptor)
            os.close(self.descriptor)


def open_lock(tree: str, *, inner: bool = False) -> TreeLock:
    """Return the lock of *tree*, not taken yet.

    A file of this user's has it where the file system has no locks, and for an *inner* build: who
    has started that has locked the tree's.
    """
    if not inner:
        is_remote = _locks_all_bytes(tree)
        with suppress(OSError):
            descriptor = _with_locks(opened(tree, writable=is_remote))
            return TreeLock(tree, descriptor, announces=not is_remote)
    with suppress(OSError):
        return TreeLock(tree, _with_locks(_opened_elsewhere(tree)))
    return TreeLock(tree, None)


def opened(tree: str, *, writable: bool = False) -> int:
    """Open what the lock of *tree* is on: *writable* if need be, which wakes whoever watches it."""
    path = os.path.join(tree, "pyproject.toml")
    if writable:
        with suppress(OSError):
            return os.open(path, os.O_RDWR | _NONBLOCK)
    try:
        return os.open(path, os.O_RDONLY | _NONBLOCK)
    except FileNotFoundError:
        return os.open(tree, os.O_RDONLY | _NONBLOCK)


def _opened_elsewhere(tree: str) -> int:
    path = os.path.join(own_directory_of(tree, temporary_directory()), "tree.lock")
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | _NONBLOCK
    return os.open(path, flags, 0o600)


def _with_locks(descriptor: int) -> int:
    try:
        try_lock(descriptor, shared=True)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _locks_all_bytes(tree: str) -> bool:
    """Tell whether flock locks bytes, as on NFS: then an exclusive lock needs a writable file.

    The lock of the tree would be in the way of other builds, so this tries that of another file.
    """
    try:
        with os.scandir(tree) as entries:
            files = (each for each in entries if each.is_file(follow_symlinks=False))
            path = next(each.path for each in files if each.name != "pyproject.toml")
        with open(path, "rb", buffering=0) as file:
            try_lock(file.fileno())
    except (OSError, StopIteration) as error:
        return getattr(error, "errno", None) == errno.EBADF
    return False


# A writer that waits announces it, on Linux by a lock for reading on one byte of the file. That
# needs no permission to write, bothers nobody, and ends with the last copy of the descriptor.


def announce(descriptor: int) -> None:
    """Let others see that *descriptor*, which a tree's lock is on, is waiting for it."""
    _ask("SETLK", descriptor, "RDLCK")


def is_announced(descriptor: int) -> bool:
    """Tell whether another descriptor of the same file is waiting for its lock."""
    # On NFS, the readers' own locks are locks of bytes, too: of all of them.
    return _ask("GETLK", descriptor, "WRLCK")[2:4] == (_WAITS, 1)


def _ask(command: str, descriptor: int, kind: str) -> tuple[int, ...]:
    """Return the ``struct flock`` that fcntl answers; nothing if it fails, or there is no lock."""
    if sys.platform == "linux":
        import fcntl

        asked = struct.pack(_FLOCK, getattr(fcntl, f"F_{kind}"), os.SEEK_SET, _WAITS, 1, 0)
        with suppress(OSError):
            answer = fcntl.fcntl(descriptor, getattr(fcntl, f"F_OFD_{command}"), asked)
            fields = struct.unpack(_FLOCK, answer)
            return fields if fields[0] != fcntl.F_UNLCK else ()
    return ()
