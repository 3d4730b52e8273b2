"""Copies that need not be made: files of a wheel that are still in the tree.

A file whose copy would look in the wheel just as it does itself is read from the tree when the
wheel is written. What a copy looks like is shown by samples: the first file of each kind is copied.
"""

from __future__ import annotations

import filecmp
import os
import stat
from typing import TYPE_CHECKING

from ..errors import ShortcutError
from .proof import Sources

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_PERMISSIONS, _SECOND = 0o777, 10**9


class Copies:
    """The copies of one wheel's files that have been put off."""

    def __init__(self) -> None:
        self.directories: set[str] = set()  # that have been made
        self._sources: dict[str, str] = {}  # by the path of the copy
        self._found = Sources()
        self._samples: dict[bool, tuple[str, str]] = {}  # by whether the mode is preserved
        self._mode = 0  # of a file that is made anew

    def __contains__(self, target: str) -> bool:
        return target in self._sources

    def __len__(self) -> int:
        return len(self._sources)

    def put_off(self, source: str, target: str, *, preserve_mode: bool) -> bool:
        """Put off copying *source* to *target*, if nothing but the copy itself would tell.

        Args:
            source: a file of the tree; the current directory stays the same.
            target: the absolute path of its copy.
            preserve_mode: whether the copy is to have the mode of the file, or that of a new one.

        Returns:
            Whether it is put off. If not, copy it, whatever is there already.
        """
        self._sources.pop(target, None)  # another copy to the same place
        if preserve_mode not in self._samples or os.path.lexists(target):
            return False
        found = os.stat(source)
        mode = stat.S_IMODE(found.st_mode)
        if mode & ~_PERMISSIONS or mode != self._mode_of_copy(mode, preserve_mode):
            return False
        if stat.S_ISREG(found.st_mode):
            self._sources[target] = source
            self._found.add(source, found)
        return target in self._sources

    def learn(self, source: str, target: str, *, preserve_mode: bool) -> None:
        """Take *target*, which has just been made of *source*, for a sample if there is none."""
        mode = stat.S_IMODE(os.stat(target).st_mode)
        if preserve_mode not in self._samples and not mode & ~_PERMISSIONS:
            self._samples[preserve_mode] = source, target
            self._mode = self._mode if preserve_mode else mode

    def move_tree(self, source: str, target: str) -> list[str]:
        """Let what would be below the directory *source* be below *target*; return the new paths.

        It is no longer below *source*, where nobody looks at it any more.
        """
        beginning, place = (os.path.join(os.path.normpath(path), "") for path in (source, target))

        def moved(path: str) -> str:
            normal = os.path.normpath(path)
            return place + normal[len(beginning) :] if normal.startswith(beginning) else path

        before = self._sources
        self._sources = {moved(path): origin for path, origin in before.items()}
        self._samples = {kind: (one, moved(two)) for kind, (one, two) in self._samples.items()}
        return [path for path in self._sources if path not in before]

    def files(self, directory: str) -> Iterator[tuple[str, str]]:
        """Yield the files below *directory*, put off or not: relative path, and where to read it.

        In the order of ``os.walk`` with sorted names: the files of a directory before what is in
        its directories.

        Raises:
            VanishedFileError: one of the tree is none any more, when it is its turn.
            ShortcutError: one has changed, or setuptools has made one in another way.
        """
        beginning = os.path.join(os.path.normpath(directory), "")
        found = {}
        for parent, _, names in os.walk(beginning):
            for name in names:
                path = os.path.join(parent, name)
                found[path[len(beginning) :]] = path
        for path, source in self._sources.items():
            name = path.removeprefix(beginning)
            if name == path or name in found:
                raise ShortcutError(f"setuptools does not take {source} along in the known way.")
            found[name] = source
        for name in sorted(found, key=_order):
            if beginning + name in self._sources:
                self._found.check(found[name])
            yield name, found[name]

    def prove(self, directory: str, members: Collection[str]) -> None:
        """Look whether all that was put off is in the archive once, of this moment, as a copy is.

        Args:
            directory: the one whose :meth:`files` were written.
            members: the names in the archive.

        Raises:
            VanishedFileError: a file of the tree is none any more.
            ShortcutError: it is not.
        """
        length = len(os.path.join(os.path.normpath(directory), ""))
        names = {path[length:].replace(os.sep, "/") for path in self._sources}
        if not names.issubset(members) or len(set(members)) != len(members):
            raise ShortcutError("The wheel has not just one member for each file.")
        self._found.check(*self._sources.values())
        for preserve_mode, (source, target) in self._samples.items():
            if not self._is_copy(source, target, preserve_mode):
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
    """Return what sorts like the parts of the path *name*, but directories after files."""
    parent, _, file = name.rpartition(os.sep)
    return parent.replace(os.sep, "\0") + "\0\0" + file
