"""The kernel's lock on an open file, which it frees with the process.

On POSIX this is ``flock``, the very lock that filelock takes there; but every hook needs it, and
importing filelock costs a hook more time than all of the backend's own code. Elsewhere filelock
takes it.
"""

from __future__ import annotations

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
