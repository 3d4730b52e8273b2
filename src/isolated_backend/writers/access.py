"""What one hook may do with its source trees: read them, and from its first write on, write.

A lock among the writers alone would not do. A writes ``x.c`` and ends; B, which decided to
generate it before A was done, writes it once more; C found A's complete and, since it never
writes, compiles it at that moment. So the writer waits for the readers, too, and a new hook waits
for a writer at work. A project that writes nothing never waits.
"""

from __future__ import annotations

import mmap
import os
import shlex
import threading
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING

from ..errors import BackendError, BuildAgainError, TreeLockError
from ..messages import tell
from ..shadow.temporary import temporary_directory
from . import nested
from .locks import Locks
from .mark import Mark
from .trees import look
from .watch import Watch, blind_spot, watched
from .writelog import PROGRAM, UNSEEN, WriteLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class Access(Watch):
    """The access of one hook to its trees: to each, first for reading, then perhaps for writing.

    *own* are directories in which a write is not one into a tree, *writer* says why this hook
    writes from the start, and *on_write* receive each path, relative to *root*, before the write.
    """

    def __init__(
        self,
        root: str,
        mode: str,
        *,
        timeout: float,
        hook: str = "",
        own: Sequence[str] = (),
        writer: str | None = None,
        on_write: Sequence[Callable[[str], object]] = (),
    ) -> None:
        super().__init__(root, own, temporary_directory())
        self._mode = mode
        self._writer = writer
        self._log = WriteLog()
        self._beside = (*self._own, self._log.path)  # no writes into the tree
        self._on_write = (self._log.add, *on_write)
        self._locks = Locks(timeout)
        self._mark = Mark(root, hook)
        self._marked: dict[str, bool] | None = None
        self._before: set[tuple[str, int, int, int]] | None = None
        self._cause = ""  # of that look at the tree
        self._shared = mmap.mmap(-1, 2)  # with forked processes: has written, has failed
        self._threads = threading.Lock()  # build_ext may compile, and write, in several
        self._owner = os.getpid()
        self._error: BackendError | None = None

    @contextmanager
    def granted(self) -> Iterator[None]:
        """While this is open, let the hook read its trees, and from its first write on write.

        :class:`BuildAgainError` means: run it once more, and it is a writer from the start.
        """
        with ExitStack() as opened:
            opened.callback(self._locks.close)
            opened.callback(self._log.close)
            if self._mode != "allow":
                self._begin()
                opened.enter_context(nested.marked(self.root))
            opened.enter_context(watched(self))
            try:
                yield
            except (Exception, SystemExit) as error:
                if self._failure not in (None, error):
                    raise self._failure from error
                raise
            self._end()

    @property
    def _has_written(self) -> bool:
        """Whether this hook, or a process that it has forked, has begun to write."""
        return self._shared[0] > 0

    @property
    def _failure(self) -> BackendError | None:
        """Why a write was refused, which the project's own code may have hidden."""
        return self._error or (self._again() if self._shared[1] else None)

    def _begin(self) -> None:
        writer = self._writer
        if self._mode == "lock":
            writer = writer or 'in-tree-writes = "lock"'
        elif self._mode == "auto":
            self._marked = self._mark.read()
            if self._marked is not None:
                writer = writer or "as it did the last time"
        purpose = f"to write ({writer})" if writer else "to begin"
        self._take({self.root: bool(writer), **(self._marked or {})}, purpose)
        if cause := blind_spot():
            self.is_blind(cause)

    def _end(self) -> None:
        if self._failure:  # which the project's own code has hidden
            raise self._failure
        self._look_again()
        if self._marked is not None and not self._has_written:
            self._mark.remove()

    def reads(self, tree: str) -> None:
        """See :class:`~.watch.Watch`."""
        if self._mode in ("auto", "lock"):
            self._take({tree: False}, "to read")

    def writes(self, tree: str, name: str) -> None:
        """See :class:`~.watch.Watch`."""
        for callback in self._on_write:
            callback(name)
        self._may_write(tree, name)

    def starts(self, tree: str, words: list[str]) -> None:
        """See :class:`~.watch.Watch`."""
        command = shlex.join(words).replace("\n", " ")[:80]
        self._log.add(PROGRAM + command)
        self._may_write(tree, f"{command}, a program that may write")

    def is_blind(self, cause: str) -> None:
        """See :class:`~.watch.Watch`."""
        if self._mode != "auto" or self._has_written:
            return
        if os.getpid() != self._owner:  # a forked process does not come to the end
            self._may_write(self.root, f"{cause}, which may write")
        else:
            self._cause = cause
            if self._before is None:
                self._before = look(self.root, self._beside)

    def _take(self, trees: Mapping[str, bool], purpose: str) -> None:
        """Wait until this hook can have *trees*, for writing where the value is true."""
        is_forked, taken = os.getpid() != self._owner, self._locks.taken
        # A forked process has a copy of the lock of threads that may never be freed. And what it
        # locks by itself, a daemon would have locked for as long as it lives.
        with nullcontext() if is_forked else self._threads:
            more = {
                tree: writing
                for tree, writing in trees.items()
                if writing > taken.get(tree, -1) and not (is_forked and tree not in taken)
            }
            try:
                if not self._locks.try_take(more):
                    if self._has_written:  # it cannot let go of what it has half-written
                        taken.update(more)
                        raise self._again()
                    self._locks.take(more, purpose)
            except BackendError as error:
                self._error, self._shared[1] = error, 1
                raise
            if more and self._has_written:
                self._leave_mark()

    def _may_write(self, tree: str, what: str) -> None:
        if self._mode in ("auto", "lock"):
            self._look_again()
            self._take({tree: True}, f"to write ({what})")
            self._note_write()

    def _note_write(self) -> None:
        if not self._has_written:
            self._shared[0] = 1
            self._leave_mark()

    def _leave_mark(self) -> bool:
        return self._mark.leave({t: w for t, w in self._locks.taken.items() if t != self.root})

    def _look_again(self) -> None:
        """Find out whether this hook has written without being seen, before it was a writer."""
        before, self._before = self._before, None
        if before is None or self._has_written:
            return
        if changed := look(self.root, self._beside) ^ before:
            if self._locks.taken[self.root]:
                self._note_write()
                return
            self._log.add(UNSEEN + self._cause)
            tell(
                f"{os.path.relpath(min(changed)[0], self.root)} was written unseen, perhaps by "
                f"{self._cause}, and other builds may have read it: building again, alone. "
                '`in-tree-writes = "lock"` saves the first time.'
            )
            raise self._again()

    def _again(self) -> BackendError:
        """Return the error that has this hook run again, as a writer from the start."""
        if self._leave_mark():
            self._error = BuildAgainError("this build has to be run once more")
        else:
            self._error = TreeLockError(
                f"This build of {self.root} has to be alone, and there is no place to note that. "
                'Set `in-tree-writes = "lock"` in [tool.isolated-backend].'
            )
        self._shared[1] = 1
        return self._error
