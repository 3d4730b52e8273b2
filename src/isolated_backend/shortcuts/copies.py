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
    """The copies of one wheel's files that have been put off, all to be made in *build_lib*."""

    def __init__(self, build_lib: str) -> None:
        self._beginning = os.path.join(os.path.normpath(build_lib), "")
        # By the name of the copy in that: the source, and whether its mode is kept.
        self._sources: dict[str, tuple[str, bool]] = {}
        self._found = Sources()
        # By whether the mode is kept: the source and name of the first copy, until it is replaced.
        self._samples: dict[bool, tuple[str, str] | None] = {}
        self._mode = 0  # of a file that is made anew

    def __contains__(self, target: str) -> bool:
        return self._name(target) in self._sources

    def put_off(self, source: str, target: str, *, preserve_mode: bool) -> bool:
        """Put off copying *source* to *target*, if nothing but the copy itself would tell.

        If not, it has to be copied, whatever is there already.
        """
        name = self._name(target)
        if not name or preserve_mode not in self._samples or os.path.lexists(target):
            return False
        mode = stat.S_IMODE(self._found.look(source).st_mode)
        if mode & ~_PERMISSIONS or mode != self._mode_of_copy(mode, preserve_mode):
            return False
        self._sources[name] = source, preserve_mode
        return True

    def take_back(self, target: str) -> tuple[str, bool] | None:
        """Return of what *target* is to be made now, if that was put off, and if the mode is kept.

        setuptools looks at a copy that is there before it makes another one in its place.
        """
        name = self._name(target)
        for kind, sample in self._samples.items():
            if sample and sample[1] == name:
                self._prove(kind, sample[0], target)
                self._samples[kind] = None  # another copy takes its place
        return self._sources.pop(name, None)

    def learn(self, source: str, target: str, *, preserve_mode: bool) -> None:
        """Take *target*, which has just been made of *source*, for a sample if there is none."""
        mode = stat.S_IMODE(os.stat(target).st_mode)
        name = self._name(target)
        if name and preserve_mode not in self._samples and not mode & ~_PERMISSIONS:
            self._samples[preserve_mode] = source, name
            self._mode = self._mode if preserve_mode else mode

    def write(self, wheel: Any, base_dir: str) -> None:
        """Write all files to the *wheel*, as if those that were put off were in *base_dir*, too."""
        beginning = os.path.join(base_dir, "")
        found = {}
        for parent, _, names in os.walk(beginning):
            for name in names:
                path = os.path.join(parent, name)
                found[path[len(beginning) :]] = path
        for kind, sample in self._samples.items():
            if sample:
                self._prove(kind, sample[0], found.get(sample[1], ""))
        if not self._sources.keys().isdisjoint(found):
            raise ShortcutError("setuptools has made copies of files in a way that is not known.")
        for name in sorted([*found, *self._sources], key=_order):
            member = name.replace(os.sep, "/")
            if name in self._sources:
                source, _ = self._sources[name]
                self._found.check(source)
                wheel.write(source, member)
            elif os.path.isfile(found[name]) and member != wheel.record_path:
                wheel.write(found[name], member)
        members = wheel.namelist()
        written = set(members)
        missing = [name for name in self._sources if name.replace(os.sep, "/") not in written]
        if missing or len(written) != len(members):
            raise ShortcutError("The wheel has not just one member for each file.")
        self._found.check(*(source for source, _ in self._sources.values()))
        self._sources.clear()

    def _name(self, target: str) -> str:
        """Return the path of *target* relative to ``build_lib``; empty if it is not there."""
        normal = os.path.normpath(target)
        return normal[len(self._beginning) :] if normal.startswith(self._beginning) else ""

    def _prove(self, kind: bool, source: str, target: str) -> None:
        if not self._is_copy(source, target, kind):
            raise ShortcutError(f"setuptools makes more of {source} than a copy.")

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


def _order(name: str) -> str:
    """Sort as ``os.walk`` with sorted names does, directories after files; metadata come last."""
    parent, _, file = name.rpartition(os.sep)
    last = parent.endswith(".dist-info")
    return f"{last:d}{parent.replace(os.sep, chr(0))}{chr(0) * 2}{file}"
