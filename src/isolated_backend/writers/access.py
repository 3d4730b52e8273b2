"""What one hook may do with its source tree: read it, and from its first write on write to it.

A lock among the writers alone would not do. A writes ``x.c`` and ends; B, which decided to
generate it before A was done, writes it once more; C found A's complete and, since it never
writes, compiles it at that moment. So the writer waits for the readers, too, and a new hook waits
for a writer at work. A project that writes nothing never waits.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from ..errors import TreeLockError
from ..messages import tell
from . import nested, treelock, writelog
from .holders import describe
from .watch import Watch, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .treelock import TreeLock

_POLL = 0.05


@contextmanager
def tree_access(
    root: str,
    mode: str,
    *,
    timeout: float,
    own: Sequence[str] = (),
    writer: str | None = None,
    on_write: Sequence[Callable[[str], object]] = (),
) -> Iterator[None]:
    """Let one hook read the tree in *root*, and from its first write on write to it.

    Args:
        root: the project root.
        mode: one of :data:`~isolated_backend.settings.IN_TREE_WRITES`.
        timeout: how many seconds to wait for another build.
        own: directories in which a write is not a write into the tree: the shadow of this call, and
            what the frontend passed.
        writer: why this hook writes from the start, if it does.
        on_write: callbacks that receive each path that is about to be written, relative to *root*.

    Raises:
        TreeLockError: another build held the tree for longer than *timeout*.
        SettingsError: the log of writes cannot be opened.
    """
    if mode == "lock":
        writer = writer or 'in-tree-writes = "lock"'
    with ExitStack() as opened:
        on_write = list(on_write)
        if path := os.environ.get(writelog.VARIABLE):
            on_write.append(opened.enter_context(writelog.opened(path)))
        if mode != "allow":
            lock = treelock.open_lock(root)
            opened.callback(lock.close)
            access = Access(root, lock, timeout)
            if writer:
                access.write(writer)
            else:
                access.read()
                if mode != "private":  # there, nothing comes to the tree
                    on_write.append(access.write)
            opened.enter_context(nested.marked(root))
        if on_write:
            opened.enter_context(watched(Watch(root, own, on_write)))
        yield


class Access:
    """The access of one hook to the tree in *root*: first for reading, then perhaps for writing."""

    def __init__(self, root: str, lock: TreeLock, timeout: float) -> None:
        self._root = root
        self._lock = lock
        self._timeout = timeout
        self._is_writer = False
        self._threads = threading.Lock()  # build_ext may compile, and write, in several

    def read(self) -> None:
        """Wait until nobody writes."""
        self._wait(self._lock.try_read, "to begin")

    def write(self, what: str) -> None:
        """Wait until nobody else reads or writes; from then on, nobody does.

        Args:
            what: what is to be written, for whoever waits.
        """
        with self._threads:
            if not self._is_writer:
                self._wait(self._lock.try_write, f"to write ({what})")
                self._is_writer = True

    def _wait(self, attempt: Callable[[], bool], purpose: str) -> None:
        deadline = time.monotonic() + self._timeout
        pause, told = 0.001, False
        while not attempt():
            if not told and pause >= _POLL:
                tell(f"waiting for {self._others()} {purpose} in {self._root}.")
                told = True
            if time.monotonic() > deadline:
                raise TreeLockError(
                    f"Waited {self._timeout:g} s for {self._others()} {purpose} in {self._root}. "
                    "Stop it, or increase `lock-timeout` in [tool.isolated-backend]."
                )
            time.sleep(pause)
            pause = min(pause * 2, _POLL)

    def _others(self) -> str:
        found = [describe(pid) for pid in self._lock.holders()]
        return " and ".join(found) or "another build"
