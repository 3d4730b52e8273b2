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
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..bytecode import is_the_projects
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
        self._own = tuple(os.path.join(path, "") for path in own)
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

    def _opened(self, path: Any, _: Any, flags: Any) -> None:
        if isinstance(flags, int) and flags & _WRITING:
            self._written(path)
        else:
            self._read(path)

    def _read(self, path: Any) -> None:
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
        if type(path) is str and path.startswith(self._own):  # most are, so be quick
            return
        tree, absolute = self._place(path, directory)
        if tree and is_change(absolute):
            self.writes(tree, os.path.relpath(absolute, self.root))

    def _renamed(self, source: Any, target: Any, of_source: Any, of_target: Any) -> None:
        self._written(source, of_source)
        self._written(target, of_target)

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
            if isinstance(directory, int) and directory >= 0 and not os.path.isabs(name):
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
        for each in (directory, os.path.realpath(directory)):
            path = os.path.join(each, "")
            if path.startswith(self._own):
                return None, each
            if path.startswith(self._inside):
                is_environment = not is_the_projects(path, self.root)
                return None if is_environment else self.root, each
        return tree_around(each, self.root, self._temporary), each


def _is_new(path: str) -> bool:
    return not os.path.isdir(path)  # makedirs(exist_ok=True)


_EVENTS: dict[str, Callable[..., None]] = {
    "open": Watch._opened,
    "os.listdir": Watch._read,
    "os.scandir": Watch._read,
    # What changes a tree. Permissions and times do not: who copies a file sets them later.
    "os.link": lambda watch, _, target, __, directory: watch._written(target, directory),
    "os.mkdir": lambda watch, path, _, directory: watch._written(path, directory, _is_new),
    "os.remove": lambda watch, *place: watch._written(*place, os.path.lexists),
    "os.rename": Watch._renamed,
    "os.rmdir": lambda watch, *place: watch._written(*place, os.path.lexists),
    "os.symlink": lambda watch, _, target, directory: watch._written(target, directory),
    "os.truncate": lambda watch, path, _: watch._written(path),
    "subprocess.Popen": Watch._started,
    "os.exec": lambda watch, program, words, _: watch._started(program, words),
    "os.posix_spawn": lambda watch, program, words, _: watch._started(program, words),
    "os.spawn": lambda watch, _, program, words, __: watch._started(program, words),
    "os.startfile": lambda watch, path, _: watch._started(path, [path]),
    "os.system": lambda watch, script: watch._started("sh", ["sh", "-c", script]),
    "_winapi.CreateProcess": Watch._started,
    "ctypes.dlopen": lambda watch, name: watch._loaded(None, name),
    "import": Watch._loaded,
}


def is_foreign(path: str) -> bool:
    """Tell whether the extension module at *path* is not of the standard library."""
    return os.path.basename(os.path.dirname(path)) not in ("lib-dynload", "DLLs")


def has_foreign() -> bool:
    """Tell whether this process has such a module already."""
    files = (getattr(module, "__file__", None) or "" for module in list(sys.modules.values()))
    return any(file.endswith((".so", ".pyd")) and is_foreign(file) for file in files)


_watches: tuple[Watch, ...] = ()
_thread = threading.local()


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Let *watch* see what this process does while this is open."""
    global _watches
    before, _watches = _watches, (*_watches, watch)  # setup.py may build in this process
    try:
        with _workers_seen():
            yield
    finally:
        _watches = before


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _watches and event in _EVENTS and not getattr(_thread, "is_busy", False):
        _thread.is_busy = True  # what follows opens files, too
        try:
            for watch in _watches:
                _EVENTS[event](watch, *arguments)
        finally:
            _thread.is_busy = False


# It cannot be taken out again, so there is one for the life of the process.
sys.addaudithook(_audit)


@contextmanager
def _workers_seen() -> Iterator[None]:
    """See multiprocessing start programs: before Python 3.14, no event tells of it."""
    try:
        module: Any = import_module("_posixsubprocess")
    except ImportError:  # Windows, where an event does
        yield
        return
    original = module.fork_exec

    def fork_exec(words: Any, programs: Any, close: Any, kept: Any, place: Any, *rest: Any) -> Any:
        _audit("_winapi.CreateProcess", (None, words, place))
        return original(words, programs, close, kept, place, *rest)

    module.fork_exec = fork_exec
    try:
        yield
    finally:
        module.fork_exec = original
