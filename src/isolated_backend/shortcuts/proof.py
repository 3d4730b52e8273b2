"""Proof that an artifact which a shortcut has made is whole, and of one moment of the tree."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ..errors import ShortcutError, VanishedFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..call import Call

#: What opening a path, or asking for its status, says where there is no regular file any more.
_NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO)

#: What has kept files out of setuptools' way, and has to package them itself: by call.
_open: WeakKeyDictionary[Call, list[object]] = WeakKeyDictionary()


def owe(call: Call, shortcut: object) -> None:
    """Have :func:`check` fail until *shortcut* is :func:`settle`-d, whoever catches errors."""
    owed = _open.setdefault(call, [])
    if not any(other is shortcut for other in owed):
        owed.append(shortcut)


def settle(call: Call, shortcut: object) -> None:
    """Note that *shortcut* has packaged each file once, as it was at one moment of the tree."""
    _open[call] = [other for other in _open.get(call, ()) if other is not shortcut]


def check(call: Call) -> None:
    """Look whether the shortcuts of *call* have packaged what they owe.

    Raises:
        ShortcutError: one has not.
    """
    if _open.get(call):
        raise ShortcutError("setuptools has not packaged files in the way that a shortcut assumes.")


class Sources:
    """Files of the source tree that are packaged straight from there, as they were found first."""

    def __init__(self) -> None:
        self._states: dict[str, tuple[int, ...]] = {}

    def add(self, path: str, found: os.stat_result) -> None:
        """Note that *path* was *found* so."""
        self._states.setdefault(path, _state(found))

    def check(self, path: str) -> None:
        """Look whether *path* is as it was found.

        Raises:
            VanishedFileError: it is no regular file any more (a pipe would be waited for for ever).
            ShortcutError: it has changed.
        """
        with vanishing_named(path):
            found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise VanishedFileError.of(path)
        if _state(found) != self._states[path]:
            raise ShortcutError(f"{path} has changed while it was being packaged.")

    def check_all(self) -> None:
        """Look whether all are: then what was read meanwhile is what there is at this moment."""
        for path in self._states:
            self.check(path)


@contextmanager
def vanishing_named(path: str) -> Iterator[None]:
    """Raise :class:`VanishedFileError` if there turns out to be no file *path* any more."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_FILE:
            raise VanishedFileError.of(path) from error
        raise


def _state(found: os.stat_result) -> tuple[int, ...]:
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode
