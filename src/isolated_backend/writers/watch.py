"""Seeing what a hook does to source trees before it happens, by audit events (PEP 578).

They tell what this process does, the processes that it forks, and which programs they start. What a
program does, nobody tells: that it starts has to be enough (:mod:`.programs`). Nor does anybody
tell what an extension module does: that it is loaded is a reason to look at the tree.
"""

from __future__ import annotations

import os
import shlex
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ..bytecode import is_the_projects
from . import silent
from .programs import effects
from .trees import tree_around

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

#: What is in the command line of a hook that has a process of its own.
_HOOK = f"from {__name__.partition('.')[0]} import callee"


class Watch:
    """Watches what one hook does outside of its *own* directories; a subclass acts on it."""

    def __init__(self, root: str, own: Sequence[str], temporary: str) -> None:
        self.root = root
        self._inside = os.path.join(root, "")
        self._own = tuple(os.path.join(os.path.realpath(path), "") for path in own)
        # What is imported is read, too: by now, from where no project is that this one is made of.
        imported = {os.path.join(path, "") for path in sys.path if os.path.isabs(path)}
        self._uninteresting = (self._inside, *(p for p in imported if not root.startswith(p)))
        self._temporary = temporary
        self._thread = threading.get_ident()
        self._trees: dict[str, tuple[str | None, str]] = {}

    def reads(self, tree: str) -> None:
        """Something in *tree*, which is not the root, is about to be read."""

    def writes(self, tree: str, name: str) -> None:
        """The file *name*, relative to the root, is about to be written in *tree*."""

    def starts(self, tree: str, words: list[str]) -> None:
        """A program that may write in *tree* is about to be started."""

    def is_blind(self, cause: str) -> None:
        """What *cause* writes from now on is not seen."""

    # What is called with the arguments of an event.

    def _opened(self, path: Any, mode: Any, flags: Any) -> None:
        # os.open has no mode; beside one, flags say nothing on PyPy or of a file of a library in C.
        if set("wax+") & set(mode) if isinstance(mode, str) else (flags or 0) & _WRITING:
            self._written(path)
        else:
            self._read(path)

    def _read(self, path: Any = os.curdir) -> None:
        if type(path) is str and os.pardir not in path:  # a build reads many files: be quick
            with suppress(OSError):
                if os.path.join(os.getcwd(), path, "").startswith(self._uninteresting):
                    return
        tree, _ = self._place(path)
        if tree and tree != self.root:
            self.reads(tree)

    def _written(
        self, path: Any, directory: Any = None, is_change: Callable[[str], bool] = bool
    ) -> None:
        if type(path) is str and self._trees.get(os.path.dirname(path), ("",))[0] is None:
            return  # most are in the slot, so be quick
        tree, absolute = self._place(path, directory)
        if tree and is_change(absolute):
            self.writes(tree, os.path.relpath(absolute, self.root))

    def _made(self, path: Any, mode: Any = None, dir_fd: Any = None) -> None:
        self._written(path, dir_fd, lambda path: not os.path.isdir(path))  # makedirs(exist_ok=True)

    def _removed(self, path: Any, dir_fd: Any = None) -> None:
        self._written(path, dir_fd, os.path.lexists)

    def _linked(self, _: Any, dst: Any, __: Any = None, dst_dir_fd: Any = None, **___: Any) -> None:
        self._written(dst, dst_dir_fd)

    def _renamed(self, src: Any, dst: Any, src_dir_fd: Any = None, dst_dir_fd: Any = None) -> None:
        self._written(src, src_dir_fd)
        self._written(dst, dst_dir_fd)

    def _started(self, program: Any, words: Any, directory: Any = None, *_: Any) -> None:
        if isinstance(words, str):
            words = [word.strip('"') for word in shlex.split(words, posix=False)]
        words = [os.fsdecode(word) for word in words]
        if threading.get_ident() != self._thread and any(_HOOK in word for word in words):
            return  # a hook that another thread calls, in a process of its own
        if program:
            words[:1] = [os.fsdecode(program)]
        found = effects(words, os.path.realpath(os.fsdecode(directory or os.curdir)))
        trees = {self._place(path)[0] for path in found.writes}
        if any(self._inside.startswith(os.path.join(path, "")) for path in found.writes):
            trees.add(self.root)  # it is above the root
        for tree in sorted(filter(None, trees)):
            self.starts(tree, words)
        for path in found.reads:
            self._read(path)
        if not found.is_certain:
            self.is_blind(words[0])

    def _loaded(self, _: Any, path: Any, *__: Any) -> None:
        if path and is_foreign(os.fsdecode(path)):  # other modules than these have no path here
            self.is_blind(os.fsdecode(path))

    def _place(self, path: Any, directory: Any = None) -> tuple[str | None, str]:
        """Return the tree that *path* is in, if any, and its absolute path there.

        A relative one is relative to the descriptor *directory*, if that is one.
        """
        try:
            name = os.fsdecode(path)
            if type(directory) is int and directory >= 0 and not os.path.isabs(name):
                name = os.path.join(os.readlink(f"/proc/self/fd/{directory}"), name)
            absolute = os.path.abspath(name)
        except (OSError, TypeError):  # a descriptor, for one
            return None, ""
        is_directory = os.path.isdir(absolute) and not os.path.islink(absolute)
        around = absolute if is_directory else os.path.dirname(absolute)
        if around not in self._trees:
            self._trees[around] = self._tree(around)
        tree, real = self._trees[around]
        if tree != self.root and "__pycache__" in absolute:
            tree = None  # what is imported from there is compiled
        return tree, real + absolute[len(around) :]

    def _tree(self, directory: str) -> tuple[str | None, str]:
        """Return the tree that *directory* is in, if it is in one, and what it is called there."""
        real = os.path.realpath(directory)
        if os.path.join(real, "").startswith(self._own):
            return None, real
        for each in (directory, real):
            if (path := os.path.join(each, "")).startswith(self._inside):  # or an environment there
                return self.root if is_the_projects(path, self.root) else None, each
        return tree_around(real, self.root, self._temporary), real


#: Arguments have the names that those of the functions have, too (:mod:`.silent`).
_EVENTS: dict[str, Callable[..., None]] = {
    "open": Watch._opened,
    "os.listdir": Watch._read,
    "os.scandir": Watch._read,
    # What changes a tree. Permissions and times do not: who copies a file sets them later.
    "os.link": Watch._linked,
    "os.mkdir": Watch._made,
    "os.remove": Watch._removed,
    "os.rename": Watch._renamed,
    "os.rmdir": Watch._removed,
    "os.symlink": lambda watch, src, dst, dir_fd=None, **_: watch._written(dst, dir_fd),
    "os.truncate": lambda watch, path, _: watch._written(path),
    "subprocess.Popen": Watch._started,
    "os.exec": lambda watch, program, words, *_: watch._started(program, words),
    "os.posix_spawn": lambda watch, program, words, _: watch._started(program, words),
    "os.spawn": lambda watch, _, program, words, __: watch._started(program, words),
    "os.system": lambda watch, command: watch._started("sh", ["sh", "-c", command]),
    "_winapi.CreateProcess": Watch._started,
    "fork_exec": lambda watch, words, *rest: watch._started(None, words, rest[3]),
    "sqlite3.connect": lambda watch, _: watch.is_blind("sqlite3"),
    "ctypes.dlopen": lambda watch, name: watch._loaded(None, name),
    "import": Watch._loaded,
}


def is_foreign(path: str) -> bool:
    """Tell whether the extension module at *path* is not of the standard library."""
    return os.path.basename(os.path.dirname(path)) not in ("lib-dynload", "DLLs")


def blind_spot() -> str:
    """Return what in this process may already write unseen, if anything."""
    if silent.IS_PYPY:
        return "something that PyPy has no event for"
    files = (getattr(module, "__file__", None) or "" for module in list(sys.modules.values()))
    is_there = any(file.endswith((".so", ".pyd")) and is_foreign(file) for file in files)
    return "an extension module" if is_there else ""


_watches: tuple[Watch, ...] = ()
_thread = threading.local()


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Let *watch* see what this process does while this is open."""
    global _watches
    before, _watches = _watches, (*_watches, watch)  # setup.py may build in this process
    try:
        with silent.told(_audit):
            yield
    finally:
        _watches = before


def _audit(event: str, arguments: tuple[Any, ...], **named: Any) -> None:
    if _watches and event in _EVENTS and not getattr(_thread, "is_busy", False):
        _thread.is_busy = True  # what follows opens files, too
        try:
            for watch in _watches:
                _EVENTS[event](watch, *arguments, **named)
        finally:
            _thread.is_busy = False


# It cannot be taken out again, so there is one for the life of the process.
sys.addaudithook(_audit)
