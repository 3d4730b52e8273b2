"""Seeing a write into the tree before it happens, by Python's audit events (PEP 578).

They tell what this process does, and the processes that it forks; not what a program does, nor an
extension module that writes by itself.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..bytecode import is_the_projects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    PathAndDirectory: TypeAlias = tuple[Any, Any]

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_current: Watch | None = None
_hook_is_installed = False


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Let *watch* see what this process does while this is open.

    An audit hook cannot be taken out again, so there is one for the life of the process; it does
    nothing while no hook call is under way.
    """
    global _current, _hook_is_installed
    if not _hook_is_installed:
        sys.addaudithook(_audit)
        _hook_is_installed = True
    before, _current = _current, watch  # setup.py may build another project in this process
    try:
        yield
    finally:
        _current = before


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _current is not None and event in _TOUCHED:
        for path, directory in _TOUCHED[event](arguments):
            _current.about_to_touch(event, path, directory)


def _opened(arguments: tuple[Any, ...]) -> Iterable[PathAndDirectory]:
    path, _, flags = arguments
    return [(path, None)] if isinstance(flags, int) and flags & _WRITING else ()


def _one(position: int) -> Callable[[tuple[Any, ...]], Iterable[PathAndDirectory]]:
    """Return what finds one path in an event, and its ``dir_fd`` in *position* (0: it has none)."""
    return lambda arguments: [(arguments[0], arguments[position] if position else None)]


def _two(arguments: tuple[Any, ...]) -> Iterable[PathAndDirectory]:
    source, target, source_directory, target_directory = arguments
    return [(source, source_directory), (target, target_directory)]


#: The audit events of the standard library that change what a tree holds, and the paths they name.
#: Permissions and times are not among them: who copies a file sets them for each, later.
_TOUCHED: dict[str, Callable[[tuple[Any, ...]], Iterable[PathAndDirectory]]] = {
    "open": _opened,
    "os.link": lambda arguments: list(_two(arguments))[1:],
    "os.mkdir": _one(2),
    "os.remove": _one(1),
    "os.rename": _two,
    "os.rmdir": _one(1),
    "os.symlink": lambda arguments: [(arguments[1], arguments[2])],
    "os.truncate": _one(0),
}


class Watch:
    """Reports each write into the tree in *root* before it happens.

    Args:
        root: the project root.
        own: directories that do not count.
        on_write: callbacks that receive the path that is about to be written, relative to *root*.
    """

    def __init__(
        self, root: str, own: Sequence[str], on_write: Sequence[Callable[[str], object]]
    ) -> None:
        self._root = root
        self._own = tuple(os.path.join(path, "") for path in own)
        self._on_write = on_write
        self._real: dict[str, str] = {}

    def about_to_touch(self, event: str, path: Any, directory: Any) -> None:
        """Take note that *event* is about to happen to *path*, relative to *directory*."""
        if type(path) is str and path.startswith(self._own):
            return  # what a build writes is nearly always in its shadow, so let this be quick
        absolute = _absolute(path, directory)
        if absolute is None or absolute.startswith(self._own):
            return
        if not is_the_projects(absolute, self._root):
            absolute = self._through_links(absolute)
            if absolute.startswith(self._own) or not is_the_projects(absolute, self._root):
                return
        if event == "os.mkdir" and os.path.isdir(absolute):
            return  # makedirs(exist_ok=True)
        if event in ("os.remove", "os.rmdir") and not os.path.lexists(absolute):
            return
        name = os.path.relpath(absolute, self._root)
        for callback in self._on_write:
            callback(name)

    def _through_links(self, path: str) -> str:
        parent, name = os.path.split(path)
        if parent not in self._real:
            self._real[parent] = os.path.realpath(parent)
        return os.path.join(self._real[parent], name)


def _absolute(path: Any, directory: Any) -> str | None:
    """Return *path* of an audit event as an absolute one; ``None`` if that cannot be known."""
    if isinstance(path, int):
        return None
    try:
        name = os.fsdecode(path)
        if isinstance(directory, int) and directory >= 0 and not os.path.isabs(name):
            name = os.path.join(os.readlink(f"/proc/self/fd/{directory}"), name)
        return os.path.abspath(name)
    except (OSError, TypeError, ValueError):
        return None
