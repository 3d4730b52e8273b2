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
    _ask("SETLK", descriptor, "RDLCK", byte)


def retract(descriptor: int) -> None:
    """End what :func:`announce` has begun, whoever else has the descriptor."""
    _ask("SETLK", descriptor, "UNLCK", WAITS)


def is_announced(descriptor: int) -> bool:
    """Tell whether another descriptor of the same file is waiting for its lock."""
    # On NFS, the readers' own locks are locks of bytes, too: of all of them.
    return _ask("GETLK", descriptor, "WRLCK", WAITS)[2:4] == (WAITS, 1)


def _ask(command: str, descriptor: int, kind: str, byte: int) -> tuple[int, ...]:
    """Return the fields of the ``struct flock`` that fcntl answers; nothing if it fails."""
    if sys.platform == "linux":
        import fcntl
        import struct

        asked = struct.pack(_FLOCK, getattr(fcntl, f"F_{kind}"), os.SEEK_SET, byte, 1, 0)
        try:
            answer = fcntl.fcntl(descriptor, getattr(fcntl, f"F_OFD_{command}"), asked)
        except OSError:
            return ()
        fields = struct.unpack(_FLOCK, answer)
        return () if fields[0] == fcntl.F_UNLCK else fields
    else:  # noqa: RET505 - for the type checker
        return ()
