"""Who has a slot, or had it last: for whoever asks what the directory is used for."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import NamedTuple

#: What the name of a slot is followed by in that of the lock on it.
LOCK = ".lock"

_LONGEST = 1 << 14  # bytes, of what is read of a lock file


class Tenant(NamedTuple):
    """Who has a slot, or had it: the lock file tells, but only the lock tells if it still does."""

    pid: int
    purpose: str
    root: str

    def sign(self, lock: int) -> None:
        """Write it to the lock file *lock*; a full disk is no reason to fail."""
        with suppress(OSError):
            os.ftruncate(lock, 0)
            os.write(lock, os.fsencode(f"{self.pid}\n{self.purpose}\n{self.root}"))

    @classmethod
    def of(cls, path: str) -> Tenant | None:
        """Return who has, or had, the slot *path*; ``None`` if that is not known."""
        # Another user may have put anything there, and root may be asking.
        careful = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with (
            suppress(OSError, ValueError),
            open(path + LOCK, "rb", opener=lambda name, flags: os.open(name, flags | careful)) as f,
        ):
            pid, purpose, root = f.read(_LONGEST).split(b"\n", 2)
            return cls(int(pid), os.fsdecode(purpose), os.fsdecode(root))
        return None
