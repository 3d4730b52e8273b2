"""The processes of a trace: what each has inherited, and what the kernel keeps for it."""

from __future__ import annotations

import os
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from .record import Call, End, descriptor_of

_BIRTHS = frozenset({"clone", "clone3", "fork", "vfork"})
_DUPLICATING = frozenset({"F_DUPFD", "F_DUPFD_CLOEXEC"})


@dataclass(eq=False)
class OpenFile:
    """An open file description: all the descriptors that come of one ``open`` share it."""

    path: str
    holders: int = 0
    released: int | None = None
    """The line on which the last descriptor was closed."""


@dataclass
class Descriptors:
    """The descriptors of a process, which its threads share."""

    files: dict[int, OpenFile] = field(default_factory=dict)
    closed_by_exec: set[int] = field(default_factory=set)
    users: int = 1

    def put(self, number: int, file: OpenFile, line: int, *, closed_by_exec: bool) -> None:
        """Have the descriptor *number* mean *file*."""
        self.close(number, line)
        file.holders += 1
        self.files[number] = file
        if closed_by_exec:
            self.closed_by_exec.add(number)

    def close(self, number: int, line: int) -> None:
        """Close the descriptor *number*, if it is known."""
        file = self.files.pop(number, None)
        self.closed_by_exec.discard(number)
        if file is not None:
            file.holders -= 1
            if not file.holders:
                file.released = line

    def close_all(self, numbers: Iterable[int], line: int) -> None:
        """Close those of *numbers* that are open."""
        for number in [number for number in numbers if number in self.files]:
            self.close(number, line)

    def copy(self) -> Descriptors:
        """Return what a forked process gets."""
        for file in self.files.values():
            file.holders += 1
        return Descriptors(dict(self.files), set(self.closed_by_exec))


@dataclass
class Directory:
    """A current directory, which the threads of a process share."""

    path: str


@dataclass
class Mounts:
    """The private trees that a mount namespace has, and what is real below them."""

    private: tuple[str, ...] = ()
    real: tuple[str, ...] = ()

    def hides(self, path: str) -> bool:
        """Tell whether what is written to *path* goes somewhere else."""
        return _in_one_of(path, self.private) and not _in_one_of(path, self.real)


@dataclass
class Task:
    """A thread of a process.

    Attributes:
        words: the command line of its program.
        starter: that of the program that has started this one.
    """

    directory: Directory
    descriptors: Descriptors
    mounts: Mounts
    words: tuple[str, ...] = ()
    starter: tuple[str, ...] = ()

    def absolute(self, path: str, base: str | None = None) -> str:
        """Return *path*, relative to *base* or to the current directory, as an absolute path."""
        return os.path.normpath(os.path.join(self.directory.path, base or "", path))


class Tasks:
    """All threads of a trace, by their numbers at the time.

    Args:
        records: the whole trace: a child's first call may stand before the end of the call that
            has made it.
        directory: the current directory of the first process.
    """

    def __init__(self, records: Iterable[Call | End], directory: str) -> None:
        self._tasks: dict[int, Task] = {}
        self._births: dict[int, deque[Call]] = defaultdict(deque)
        self._first = directory
        for record in records:
            if isinstance(record, Call) and record.name in _BIRTHS:
                self._births[_child_of(record)].append(record)

    def of(self, pid: int) -> Task:
        """Return the thread *pid*, which begins now unless it is known."""
        if pid not in self._tasks:
            births = self._births[pid]
            if births:
                self._born(births.popleft())
            else:
                self._tasks[pid] = Task(Directory(self._first), Descriptors(), Mounts())
        return self._tasks[pid]

    def note(self, record: Call | End) -> None:
        """Follow what *record* changes in the thread that made it."""
        if isinstance(record, End):
            self._ended(record)
        elif record.name in _BIRTHS:
            births = self._births[_child_of(record)]
            if births and births[0] is record:  # else its first call was seen already
                self._born(births.popleft())
        else:
            _follow(self.of(record.pid), record)

    def _born(self, birth: Call) -> None:
        parent, flags = self.of(birth.pid), " ".join(birth.arguments)
        descriptors = parent.descriptors
        if "CLONE_FILES" in flags:
            descriptors.users += 1
        else:
            descriptors = descriptors.copy()
        mounts = parent.mounts
        self._tasks[_child_of(birth)] = Task(
            parent.directory if "CLONE_FS" in flags else Directory(parent.directory.path),
            descriptors,
            Mounts(mounts.private, mounts.real) if "CLONE_NEWNS" in flags else mounts,
            parent.words,
            parent.starter,
        )

    def _ended(self, end: End) -> None:
        descriptors = self.of(end.pid).descriptors
        descriptors.users -= 1
        if not descriptors.users:
            descriptors.close_all(list(descriptors.files), end.ended)
        del self._tasks[end.pid]


def _child_of(birth: Call) -> int:
    return int(birth.result.split()[0])


def _follow(task: Task, call: Call) -> None:
    """Follow what *call* does to the directory, the descriptors and the mounts of *task*."""
    descriptors, arguments, line = task.descriptors, call.arguments, call.ended
    number = descriptor_of(arguments[0])[0] if arguments else None
    if call.name == "fchdir":
        task.directory.path = descriptor_of(arguments[0])[1] or task.directory.path
    elif call.name == "close" and number is not None:
        descriptors.close(number, line)
    elif call.name == "close_range" and "CLOSE_RANGE_CLOEXEC" not in arguments[2]:
        first, last = int(arguments[0]), int(arguments[1])
        descriptors.close_all([fd for fd in descriptors.files if first <= fd <= last], line)
    elif call.name == "unshare" and "CLONE_NEWNS" in arguments[0]:
        task.mounts = Mounts(task.mounts.private, task.mounts.real)
    elif call.name == "fcntl" and number is not None and arguments[1] == "F_SETFD":
        (set.add if "FD_CLOEXEC" in arguments[2] else set.discard)(
            descriptors.closed_by_exec, number
        )
    elif call.name.startswith("dup") or _DUPLICATING.intersection(arguments[1:2]):
        copy, _ = descriptor_of(call.result)
        file = descriptors.files.get(-1 if number is None else number)
        if copy is not None and file is not None and copy != number:
            is_closed = "O_CLOEXEC" in arguments[-1] or "F_DUPFD_CLOEXEC" in arguments
            descriptors.put(copy, file, line, closed_by_exec=is_closed)
        elif copy is not None and file is None:
            descriptors.close(copy, line)


def _in_one_of(path: str, directories: Iterable[str]) -> bool:
    return any(path == one or path.startswith(os.path.join(one, "")) for one in directories)
