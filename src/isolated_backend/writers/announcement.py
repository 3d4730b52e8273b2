"""A writer that waits announces it, and whoever begins meanwhile leaves it the turn.

On Linux this is a lock for reading on one byte of the file that the tree's lock is on. It needs no
permission to write, bothers nobody, and ends with the last copy of the descriptor. Where it cannot
be had, nothing is announced.
"""

from __future__ import annotations

import os
import sys

#: Bytes of the file: a writer waits; a hook of this backend is here. (Neighbours would merge.)
WAITS, IS_HERE = 1, 3

_FLOCK = "@hhqqi4x"  # struct flock of fcntl(2)


def announce(descriptor: int, byte: int = WAITS) -> None:
    """Let others see that *descriptor*, which the tree's lock is on, is waiting for it."""
    _ask("SETLK", descriptor, "F_RDLCK", byte)


def retract(descriptor: int) -> None:
    """End what :func:`announce` has begun, whoever else has the descriptor."""
    _ask("SETLK", descriptor, "F_UNLCK", WAITS)


def is_announced(descriptor: int) -> bool:
    """Tell whether another descriptor of the same file is waiting for its lock."""
    # On NFS, the readers' own locks are locks of bytes, too: of all of them.
    return _ask("GETLK", descriptor, "F_WRLCK", WAITS) == ("F_RDLCK", WAITS, 1)


def _ask(command: str, descriptor: int, kind: str, byte: int) -> tuple[str, int, int]:
    """Return the kind, the first byte and the number of bytes of the lock that fcntl tells of."""
    if sys.platform == "linux":
        import fcntl
        import struct

        asked = struct.pack(_FLOCK, getattr(fcntl, kind), os.SEEK_SET, byte, 1, 0)
        try:
            answer = fcntl.fcntl(descriptor, getattr(fcntl, f"F_OFD_{command}"), asked)
        except OSError:
            return "F_UNLCK", 0, 0
        found, _, start, length, _ = struct.unpack(_FLOCK, answer)
        return "F_RDLCK" if found == fcntl.F_RDLCK else "other", start, length
    else:  # noqa: RET505 - for the type checker
        return "F_UNLCK", 0, 0
