"""Which processes hold a tree, as far as the kernel tells."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import NamedTuple

from .announcement import is_announced
from .kernellock import opened_tree


class Holder(NamedTuple):
    """A process that holds a tree."""

    pid: int
    writing: bool


class TreeStatus(NamedTuple):
    """Which processes hold a tree, and whether a writer waits for it."""

    holders: tuple[Holder, ...]
    is_awaited: bool

    @classmethod
    def of(cls, root: str) -> TreeStatus:
        """Look at the tree in *root* without holding it.

        Raises:
            OSError: there is no such tree.
        """
        descriptor = opened_tree(root)
        try:
            return cls(holders(descriptor), is_announced(descriptor))
        finally:
            os.close(descriptor)


def holders(descriptor: int) -> tuple[Holder, ...]:
    """Return the processes that have locked the file *descriptor*, where the kernel tells."""
    inode = str(os.fstat(descriptor).st_ino)
    found = set()
    with suppress(OSError), open("/proc/locks", encoding="ascii") as locks:
        for line in locks:
            # "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF"; "->" begins a waiter
            words = line.split()
            if words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode:
                found.add(Holder(int(words[4]), words[3] == "WRITE"))
    return tuple(sorted(found))


def describe(pid: int) -> str:
    """Return the process *pid* with its command line, for a message."""
    with suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        words = file.read().replace(b"\0", b" ").decode(errors="replace").split()
        return f"process {pid} ({' '.join(words)[:120]})"
    return f"process {pid}"
