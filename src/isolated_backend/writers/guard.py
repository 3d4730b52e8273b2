"""Guarding the source trees of one hook: what is done about what is seen."""

from __future__ import annotations

import os
import shlex
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from ..messages import tell
from ..shadow.temporary import temporary_directory
from . import nested
from .access import Access
from .look import has_foreign, look
from .mark import Mark
from .watch import Watch, watched
from .writelog import PROGRAM, UNSEEN, WriteLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@contextmanager
def tree_access(
    root: str,
    mode: str,
    *,
    timeout: float,
    hook: str = "",
    own: Sequence[str] = (),
    writer: str | None = None,
    on_write: Sequence[Callable[[str], object]] = (),
) -> Iterator[None]:
    """Let one hook read the tree in *root*, and from its first write on write to it.

    Args:
        root: the project root.
        mode: one of :data:`~isolated_backend.settings.IN_TREE_WRITES`.
        timeout: how many seconds to wait for another build.
        hook: the name of the hook.
        own: directories in which a write is not a write into the tree: the shadow of this call, and
            what the frontend passed.
        writer: why this hook writes from the start, if it does.
        on_write: callbacks that receive each path that is about to be written, relative to *root*.

    Raises:
        TreeLockError: another build held a tree for longer than *timeout*.
        BuildAgainError: this hook has to be run once more, and will be a writer from the start.
        SettingsError: the log of writes cannot be opened.
    """
    with ExitStack() as opened:
        log, access = WriteLog(), Access(root, timeout, Mark(root, hook))
        opened.callback(log.close)
        opened.callback(access.close)
        guard = Guard(root, own, mode, access, log, on_write)
        if mode != "allow":
            guard.begin(writer)
            opened.enter_context(nested.marked(root))
        opened.enter_context(watched(guard))
        try:
            yield
        except (Exception, SystemExit) as error:
            if access.failure not in (None, error):
                raise access.failure from error
            raise
        guard.end()


class Guard(Watch):
    """A watch that takes the locks of the trees as they are needed."""

    def __init__(
        self,
        root: str,
        own: Sequence[str],
        mode: str,
        access: Access,
        log: WriteLog,
        on_write: Sequence[Callable[[str], object]],
    ) -> None:
        super().__init__(root, own, temporary_directory())
        self._mode = mode
        self._access = access
        self._log = log
        self._on_write = on_write
        self._marked: dict[str, bool] | None = None
        self._before: set[tuple[str, int, int, int]] | None = None
        self._cause = ""  # of that
        self._owner = os.getpid()

    def begin(self, writer: str | None) -> None:
        """Wait until the hook can begin, as a *writer* if there is a reason for that."""
        if self._mode == "lock":
            writer = writer or 'in-tree-writes = "lock"'
        elif self._mode == "auto":
            self._marked = self._access.mark.read()
            if self._marked is not None:
                writer = writer or "as it did the last time"
        purpose = f"to write ({writer})" if writer else "to begin"
        self._access.take({self.root: bool(writer), **(self._marked or {})}, purpose)
        if has_foreign():
            self.is_blind("an extension module")

    def reads(self, tree: str) -> None:
        """See :class:`~.watch.Watch`."""
        if self._mode in ("auto", "lock"):
            self._access.take({tree: False}, "to read")

    def writes(self, tree: str, name: str) -> None:
        """See :class:`~.watch.Watch`."""
        for callback in (self._log.add, *self._on_write):
            callback(name)
        self._may_write(tree, name)

    def starts(self, tree: str, words: list[str]) -> None:
        """See :class:`~.watch.Watch`."""
        command = shlex.join(words).replace("\n", " ")[:80]
        self._log.add(PROGRAM + command)
        self._may_write(tree, f"{command}, a program that may write")

    def is_blind(self, cause: str) -> None:
        """See :class:`~.watch.Watch`."""
        if self._mode != "auto" or self._access.has_written:
            return
        if os.getpid() != self._owner:  # a forked process does not come to the end
            self._may_write(self.root, f"{cause}, which may write")
        else:
            self._cause = cause
            if self._before is None:
                self._before = look(self.root)

    def end(self) -> None:
        """Make sure that no write was missed, and that none was refused.

        Raises:
            BackendError: one was.
        """
        if self._access.failure:
            raise self._access.failure
        self._look_again()
        if self._marked is not None and not self._access.has_written:
            self._access.mark.remove()

    def _may_write(self, tree: str, what: str) -> None:
        if self._mode in ("auto", "lock"):
            self._look_again()
            self._access.write(tree, what)

    def _look_again(self) -> None:
        """Find out whether this hook has written without being seen, before it was a writer."""
        before, self._before = self._before, None
        if before is None or self._access.has_written:
            return
        if changed := {each for each in look(self.root) ^ before if each[0] != self._log.path}:
            name = os.path.relpath(min(changed)[0], self.root)
            if self._access.is_writer(self.root):
                self._access.write(self.root, name)
                return
            self._log.add(UNSEEN + self._cause)
            tell(
                f"{name} was written unseen, perhaps by {self._cause}, and other builds may have "
                'read it: building again, alone. `in-tree-writes = "lock"` saves the first time.'
            )
            raise self._access.again()
