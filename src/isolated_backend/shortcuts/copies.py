"""Copies that need not be made: files of a wheel that are still in the tree.

A file whose copy would look in the wheel just as it does itself is read from the tree when the
wheel is written. What becomes of a copy is shown by samples: the first file of each kind is copied.
"""

from __future__ import annotations

import filecmp
import os
import stat
from typing import Any

from ..errors import ShortcutError
from .proof import Sources

_PERMISSIONS, _SECOND = 0o777, 10**9


class Copies:
    """The copies of one wheel's files that have been put off.

    Args:
        build_lib: the directory that they are to be made in.
    """

    def __init__(self, build_lib: str) -> None:
        self._beginning = os.path.join(os.path.normpath(build_lib), "")
        self._sources: dict[str, str] = {}  # by the path of the copy
        self._found = Sources()
        self._samples: dict[bool, tuple[str, str]] = {}  # by whether the mode is preserved
        self._mode = 0  # of a file that is made anew

    def __contains__(self, target: str) -> bool:
        return target in self._sources

    def put_off(self, source: str, target: str, *, preserve_mode: bool) -> bool:
        """Put off copying *source* to *target*, if nothing but the copy itself would tell.

        Args:
            source: a file of the tree; the current directory stays the same.
            target: the path of its copy.
            preserve_mode: whether the copy is to have the mode of the file, or that of a new one.

        Returns:
            Whether it is put off. If not, copy it, whatever is there already.
        """
        self._sources.pop(target, None)  # another copy to the same place
        if preserve_mode not in self._samples or os.path.lexists(target):
            return False
        mode = stat.S_IMODE(self._found.look(source).st_mode)
        if mode & ~_PERMISSIONS or mode != self._mode_of_copy(mode, preserve_mode):
            return False
        self._sources[target] = source
        return True

    def learn(self, source: str, target: str, *, preserve_mode: bool) -> None:
        """Take *target*, which has just been made of *source*, for a sample if there is none."""
        mode = stat.S_IMODE(os.stat(target).st_mode)
        if preserve_mode not in self._samples and not mode & ~_PERMISSIONS:
            self._samples[preserve_mode] = source, target
            self._mode = self._mode if preserve_mode else mode

    def write(self, wheel: Any, base_dir: str) -> None:
        """Write all files to the *wheel*, as if those that were put off were in *base_dir*, too.

        Raises:
            VanishedFileError: a file of the tree is none any more.
            ShortcutError: one has changed, or is not in the archive as a copy of it would be.
        """
        beginning = os.path.join(base_dir, "")
        found = {}
        for parent, _, names in os.walk(beginning):
            for name in names:
                path = os.path.join(parent, name)
                found[path[len(beginning) :]] = path
        for kind, (source, target) in self._samples.items():
            if not self._is_copy(source, found.get(self._name(target), ""), kind):
                raise ShortcutError(f"setuptools makes more of {source} than a copy.")
        put_off = {self._name(target): source for target, source in self._sources.items()}
        if not put_off.keys().isdisjoint(found):
            raise ShortcutError("setuptools has made copies of files in a way that is not known.")
        for name in sorted({**found, **put_off}, key=_order):
            member = name.replace(os.sep, "/")
            if name in put_off:
                self._found.check(put_off[name])
                wheel.write(put_off[name], member)
            elif os.path.isfile(found[name]) and member != wheel.record_path:
                wheel.write(found[name], member)
        members = wheel.namelist()
        if len({*members, *(name.replace(os.sep, "/") for name in put_off)}) != len(members):
            raise ShortcutError("The wheel has not just one member for each file.")
        self._found.check(*put_off.values())

    def _name(self, target: str) -> str:
        """Return the path of *target* relative to the directory that it is to be in."""
        normal = os.path.normpath(target)
        if not normal.startswith(self._beginning):
            raise ShortcutError(f"{target} is in another directory than all other files.")
        return normal[len(self._beginning) :]

    def _is_copy(self, source: str, target: str, preserve_mode: bool) -> bool:
        try:
            one, two = os.stat(source), os.stat(target)
            wanted = self._mode_of_copy(stat.S_IMODE(one.st_mode), preserve_mode)
            return (
                stat.S_IMODE(two.st_mode) == wanted
                and one.st_mtime_ns // _SECOND == two.st_mtime_ns // _SECOND
                and filecmp.cmp(source, target, shallow=False)
            )
        except OSError:
            return False

    def _mode_of_copy(self, mode: int, preserve_mode: bool) -> int:
        return mode | stat.S_IWUSR if preserve_mode else self._mode


def _order(name: str) -> tuple[bool, str]:
    """Sort as ``os.walk`` with sorted names does, directories after files; metadata come last."""
    parent, _, file = name.rpartition(os.sep)
    is_metadata = parent.endswith(".dist-info")
    return is_metadata, parent.replace(os.sep, "\0") + "\0\0" + file
