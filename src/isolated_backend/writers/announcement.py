"""A writer that waits announces it, and whoever begins meanwhile leaves it the turn.

On Linux this is a lock for reading on one byte of the file that the tree's lock is on. It needs no
permission to write, bothers nobody, and ends with the last copy of the descriptor. Where it cannot
be had, nothing is announced.
"""

from __future__ import annotations

import os
import sys

if sys.platform == "linux":
    import fcntl
    import struct

    # struct flock of fcntl(2): one byte that nobody reads or writes stands for the announcement.
    _FLOCK = "@hhqqi4x"

    def announce(descriptor: int) -> None:
        """Let others see, through :func:`is_announced`, that *descriptor* is waiting for its lock.

        Args:
            descriptor: the open file that the tree's lock is on.
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
        """Return ``False``: see the other definition."""
        return False
