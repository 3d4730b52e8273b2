"""What the processes of one hook have done: their writes, the programs, and who held which tree."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .processes import OpenFile, Task, Tasks
from .record import Call, End, descriptor_of, read, text_of, texts_of

#: Where the calls that change a directory name what they change: each the position of a
#: descriptor, if any, and of a path.
_CHANGED: dict[str, tuple[tuple[int | None, int], ...]] = {
    "bind": ((None, 1),),
    "link": ((None, 1),),
    "linkat": ((2, 3),),
    "mkdir": ((None, 0),),
    "mkdirat": ((0, 1),),
    "mknod": ((None, 0),),
    "mknodat": ((0, 1),),
    "rename": ((None, 0), (None, 1)),
    "renameat": ((0, 1), (2, 3)),
    "renameat2": ((0, 1), (2, 3)),
    "rmdir": ((None, 0),),
    "symlink": ((None, 1),),
    "symlinkat": ((1, 2),),
    "truncate": ((None, 0),),
    "unlink": ((None, 0),),
    "unlinkat": ((0, 1),),
}

#: Calls that fail where the name is taken.
_EXCLUSIVE = frozenset(_CHANGED.keys() - {"rename", "renameat", "renameat2", "truncate"})

_WRITING = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC")

#: What a hook locks of a tree whose root is the file's directory.
_LOCKED = "pyproject.toml"


@dataclass(frozen=True)
class Write:
    """A change of a file system.

    Attributes:
        path: absolute.
        how: the name of the call.
        is_new: whether it was sure to make the name: nobody else had it.
        words: the command line of the program.
        begun: the line on which the call begins.
        file: the file that it has opened, if it has.
        ended: the line on which the call ends.
    """

    path: str
    how: str
    is_new: bool
    words: tuple[str, ...]
    begun: int
    ended: int
    file: OpenFile | None = None


@dataclass(frozen=True)
class Program:
    """A program that was started.

    Attributes:
        words: its command line.
        directory: its current directory.
        starter: the command line of the program that has started it.
    """

    words: tuple[str, ...]
    directory: str
    starter: tuple[str, ...]


@dataclass
class Trace:
    """All that one command and its children have done."""

    writes: list[Write] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)
    locks: list[tuple[int, frozenset[str]]] = field(default_factory=list)
    """From which line on which files were locked exclusively."""
    first: tuple[str, ...] = ()
    """The command line of the first process."""
    length: int = 0

    def was_writer(self, write: Write) -> bool:
        """Tell whether the tree that *write* is in was held for writing all the time.

        From before the call until the file was closed by all who have it: text waits in a buffer,
        and a child may have inherited the descriptor.
        """
        end = write.ended
        if write.file is not None:
            end = self.length if write.file.released is None else write.file.released
        states = [locked for line, locked in self.locks if write.begun < line < end]
        before = [locked for line, locked in self.locks if line <= write.begun]
        return all(
            any(_is_held_by(write.path, lock) for lock in locked)
            for locked in [*(before[-1:] or [frozenset()]), *states]
        )

    def locked(self) -> set[str]:
        """Return the files that were locked exclusively at any time."""
        return {path for _, locked in self.locks for path in locked}


def of_file(path: Path, directory: Path) -> Trace:
    """Return what the trace in the file *path* tells.

    Args:
        path: what strace has written.
        directory: where the first process began.

    Raises:
        TraceError: it cannot be read.
    """
    with path.open(encoding="utf-8", errors="surrogateescape") as lines:
        records = list(read(lines))
    return of_records(records, str(directory))


def of_records(records: Iterable[Call | End], directory: str) -> Trace:
    """Return what *records* tell of processes that began in *directory*."""
    records = list(records)
    return _Reader(records, directory).trace


class _Reader:
    """Goes through the records once."""

    def __init__(self, records: list[Call | End], directory: str) -> None:
        self.trace = Trace(length=records[-1].ended + 1 if records else 0)
        self._tasks = Tasks(records, directory)
        self._locked: dict[OpenFile, str] = {}
        for record in records:
            task = self._tasks.of(record.pid)
            if isinstance(record, Call):
                self._take(task, record)
            self._tasks.note(record)
            self._note_locks(record.ended)

    def _take(self, task: Task, call: Call) -> None:
        match call.name:
            case "open" | "openat" | "openat2" | "creat":
                self._opened(task, call)
            case "chdir":
                task.directory.path = task.absolute(text_of(call.arguments[0]) or "")
            case "execve" | "execveat":
                self._started(task, call)
            case "flock":
                self._flocked(task, call)
            case "mount":
                _mounted(task, call)
            case name if name in _CHANGED:
                for descriptor, path in _CHANGED[name]:
                    base = None if descriptor is None else call.arguments[descriptor]
                    self._changed(task, call, base, call.arguments[path])

    def _changed(self, task: Task, call: Call, base: str | None, argument: str) -> None:
        name = text_of(argument)
        if name is None or (call.name == "bind" and 'sun_path="' not in argument):
            return
        path = task.absolute(name, base and descriptor_of(base)[1])
        is_new = call.name in _EXCLUSIVE
        self._write(task, Write(path, call.name, is_new, task.words, call.begun, call.ended))

    def _write(self, task: Task, write: Write) -> None:
        if not task.mounts.hides(write.path):
            self.trace.writes.append(write)

    def _opened(self, task: Task, call: Call) -> None:
        number, path = descriptor_of(call.result)
        if number is None or path is None:
            return
        flags = "O_CREAT|O_WRONLY" if call.name == "creat" else " ".join(call.arguments[1:])
        file = OpenFile(path)
        task.descriptors.put(number, file, call.ended, closed_by_exec="O_CLOEXEC" in flags)
        if "O_TMPFILE" not in flags and any(flag in flags for flag in _WRITING):
            is_new = "O_EXCL" in flags
            self._write(
                task, Write(path, call.name, is_new, task.words, call.begun, call.ended, file)
            )

    def _started(self, task: Task, call: Call) -> None:
        words = tuple(texts_of(call.arguments[-3 if call.name == "execveat" else 1]))
        if not self.trace.first:
            self.trace.first = words
        else:
            self.trace.programs.append(Program(words, task.directory.path, task.words))
        task.words, task.starter = words, task.words
        descriptors = task.descriptors
        if descriptors.users > 1:  # a thread, or a child of vfork that shares nothing else
            descriptors.users -= 1
            descriptors = task.descriptors = descriptors.copy()
        descriptors.close_all(list(descriptors.closed_by_exec), call.ended)

    def _flocked(self, task: Task, call: Call) -> None:
        number, _ = descriptor_of(call.arguments[0])
        file = task.descriptors.files.get(-1 if number is None else number)
        if file is None:
            return
        self._locked.pop(file, None)
        if "LOCK_EX" in call.arguments[1]:
            self._locked[file] = file.path

    def _note_locks(self, line: int) -> None:
        for file in [file for file in self._locked if not file.holders]:
            del self._locked[file]
        now = frozenset(self._locked.values())
        if now != (self.trace.locks[-1][1] if self.trace.locks else frozenset()):
            self.trace.locks.append((line, now))


def _mounted(task: Task, call: Call) -> None:
    """Note an overlay, whose writes go to another layer, and what is bound over a part of it."""
    target = task.absolute(text_of(call.arguments[1]) or "")
    if text_of(call.arguments[2]) == "overlay":
        task.mounts.private += (target,)
    elif "MS_BIND" in call.arguments[3]:
        task.mounts.real += (target,)


def is_lock(path: str) -> bool:
    """Tell whether the locked file *path* stands for a tree: pyproject.toml, or a directory."""
    return os.path.basename(path) == _LOCKED or os.path.isdir(path)


def _is_held_by(path: str, lock: str) -> bool:
    """Tell whether *path* is in the tree that the locked file *lock* stands for."""
    tree = os.path.dirname(lock) if os.path.basename(lock) == _LOCKED else lock
    return path == tree or path.startswith(os.path.join(tree, ""))
