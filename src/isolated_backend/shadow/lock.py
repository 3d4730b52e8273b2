"""The kernel's lock on an open file, which it frees with the process.

On POSIX this is ``flock``, the very lock that filelock takes there; but every hook needs it, and
importing filelock costs a hook more time than all of the backend's own code. Elsewhere filelock
takes it.
"""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":

    def try_lock(descriptor: int, *, shared: bool = False) -> bool:
        """Lock the file *descriptor* if it is free: see the other definition."""
        import filelock

        if shared:
            raise OSError("this system has no shared locks on descriptors")
        return filelock.lock_descriptor(descriptor, blocking=False)

    def unlock(descriptor: int) -> None:
        """Free the lock: see the other definition."""
        import filelock

        filelock.unlock_descriptor(descriptor)

else:
    import fcntl

    def try_lock(descriptor: int, *, shared: bool = False) -> bool:
        """Lock the file *descriptor* if it is free.

        Closing the last copy of the descriptor frees the lock; going from shared to exclusive lets
        go of the one first, whether it gets the other or not (flock(2)).

        Args:
            descriptor: an open file; it may be open for reading only.
            shared: with others who share it, instead of alone.

        Returns:
            Whether it is locked now.

        Raises:
            OSError: this file system has no locks.
        """
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(descriptor: int) -> None:
        """Free the lock, for the processes that have inherited the descriptor, too."""
        fcntl.flock(descriptor, fcntl.LOCK_UN)


if sys.platform == "linux":
    import fcntl
    import struct

    # struct flock of fcntl(2): one byte that nobody reads or writes stands for the announcement.
    _FLOCK = "@hhqqi4x"

    def announce(descriptor: int) -> None:
        """Let others see, through :func:`is_announced`, that *descriptor* is waiting for its lock.

        This is a lock for reading on a part of the file: it needs no permission to write, bothers
        nobody, and ends with the last copy of the descriptor. Where it cannot be had, nothing is
        announced.
        """
        _byte(descriptor, fcntl.F_OFD_SETLK, fcntl.F_RDLCK)

    def retract(descriptor: int) -> None:
        """End what :func:`announce` has begun, whoever else has the descriptor."""
        _byte(descriptor, fcntl.F_OFD_SETLK, fcntl.F_UNLCK)

    def is_announced(descriptor: int) -> bool:
        """Tell whether another descriptor of the same file is announced."""
        return _byte(descriptor, fcntl.F_OFD_GETLK, fcntl.F_WRLCK) == fcntl.F_RDLCK

    def _byte(descriptor: int, command: int, kind: int) -> int:
        asked = struct.pack(_FLOCK, kind, os.SEEK_SET, 1, 1, 0)
        try:
            answer = fcntl.fcntl(descriptor, command, asked)
        except OSError:
            return fcntl.F_UNLCK
        return int(struct.unpack(_FLOCK, answer)[0])

else:

    def announce(descriptor: int) -> None:
        """Do nothing: see the other definition."""

    def retract(descriptor: int) -> None:
        """Do nothing: see the other definition."""

    def is_announced(descriptor: int) -> bool:
        """Tell of nobody: see the other definition."""
        return False
