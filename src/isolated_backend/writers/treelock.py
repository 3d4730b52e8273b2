"""The lock of one tree: any number of readers, or one writer. A killed process lets go of it."""

from __future__ import annotations

from typing import Protocol

from .kernellock import KernelLock
from .standin import StandIn


class TreeLock(Protocol):
    """What :func:`open_lock` returns."""

    def try_read(self) -> bool:
        """Take it for reading, unless somebody writes or waits to write."""
        ...

    def try_write(self) -> bool:
        """Take it for writing, unless anybody else has it. Failing may give up the reading."""
        ...

    def holders(self) -> list[int]:
        """Return the other processes that have it, as far as that can be known."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


def open_lock(root: str) -> TreeLock:
    """Return the lock of the tree in *root*, not taken yet."""
    try:
        return KernelLock(root)
    except OSError:
        return StandIn(root)
