"""Proof that an artifact which a shortcut has made is whole, and of one moment of the tree."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ..errors import ShortcutError, VanishedFileError

if TYPE_CHECKING:
    from ..call import Call

#: What asking for the status of a path says where there is nothing any more.
_NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)

#: By call: what keeps files out of setuptools' way, and has to package them itself.
_owed: WeakKeyDictionary[Call, list[object]] = WeakKeyDictionary()


def owe(call: Call, shortcut: object) -> None:
    """Have :func:`check` fail until *shortcut* is settled, whoever catches errors meanwhile."""
    _owed.setdefault(call, []).append(shortcut)


def settle(call: Call, shortcut: object) -> None:
    """Note that *shortcut* has packaged each file once, as it was at one moment of the tree."""
    _owed[call] = [other for other in _owed[call] if other is not shortcut]


def check(call: Call) -> None:
    """Raise :class:`ShortcutError` if a shortcut of *call* has not packaged what it owes."""
    if _owed.get(call):
        raise ShortcutError("setuptools has not packaged files in the way that a shortcut assumes.")


class Sources:
    """Files of the source tree that are packaged straight from there, as they were found first."""

    def __init__(self) -> None:
        self._states: dict[str, int] = {}

    def look(self, path: str, mode: int | None = None) -> os.stat_result:
        """Return the status of *path*, which has to be a regular file of that *mode*; note it."""
        found = _status(path)
        self._states.setdefault(path, _state(found))
        if mode not in (None, found.st_mode):
            raise ShortcutError(f"The mode of {path} has changed since it was listed.")
        return found

    def check(self, *paths: str) -> None:
        """Look whether *paths*, or without any all, are as they were found.

        Then what was read meanwhile is what there is at this moment.
        """
        for path in paths or self._states:
            if _state(_status(path)) != self._states[path]:
                raise ShortcutError(f"{path} has changed while it was being packaged.")


def _status(path: str) -> os.stat_result:
    try:
        found = os.stat(path)
    except OSError as error:
        if error.errno in _NO_FILE:
            raise VanishedFileError.of(path) from error
        raise
    if not stat.S_ISREG(found.st_mode):
        raise VanishedFileError.of(path)
    return found


def _state(found: os.stat_result) -> int:
    """Return a fingerprint that changes when the file does; there are many, so it is small."""
    return hash((found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode))
