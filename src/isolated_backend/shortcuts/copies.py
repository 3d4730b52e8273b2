"""Copies that need not be made: files of a wheel that are still in the tree.

setuptools copies every module and data file to ``build_lib``, from there to ``bdist_dir``, and
writes the wheel from that. A file whose copy would look in the wheel just as it does itself can
be read from the tree when the wheel is written, and is not copied at all.
"""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PERMISSIONS = 0o777


class Copies:
    """Where the files come from that have not been copied to the shadow."""

    def __init__(self) -> None:
        self._sources: dict[str, str] = {}  # by the path of the copy
        self._mode: int | None = None  # of a file that is made anew: one shows it

    def put_off(self, source: str, target: str, *, preserve_mode: bool) -> bool:
        """Put off copying *source* to *target*, if nothing but the copy itself would tell.

        Args:
            source: a file of the tree; the current directory stays the same.
            target: the absolute path of its copy.
            preserve_mode: whether the copy is to have the mode of the file, or that of a new one.

        Returns:
            Whether it is put off. If not, copy it.
        """
        if target in self._sources or os.path.lexists(target):
            self.make(target)
            return False
        found = os.stat(source)
        mode = stat.S_IMODE(found.st_mode)
        wanted = mode | stat.S_IWUSR if preserve_mode else self._mode
        if mode != wanted or mode & ~_PERMISSIONS or not stat.S_ISREG(found.st_mode):
            return False
        self._sources[target] = source
        return True

    def learn(self, target: str) -> None:
        """Take the mode of *target*, which has just been made, for that of every new file."""
        self._mode = stat.S_IMODE(os.stat(target).st_mode)

    def move_tree(self, source: str, target: str) -> list[str]:
        """Let what would be below the directory *source* be below *target*; return the new paths.

        It is no longer below *source*, where nobody looks at it any more.
        """
        beginning, place = (os.path.join(os.path.normpath(path), "") for path in (source, target))
        made = []
        for path in list(self._sources):
            normal = os.path.normpath(path)
            if normal.startswith(beginning):
                made.append(place + normal[len(beginning) :])
                self._sources[made[-1]] = self._sources.pop(path)
        return made

    def make(self, target: str) -> None:
        """Make the copy *target* after all, if it has been put off."""
        source = self._sources.pop(target, None)
        if source is not None:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(source, target)

    def make_all(self) -> None:
        """Make all copies after all: somebody is going to look at them."""
        for target in list(self._sources):
            self.make(target)

    def __contains__(self, target: str) -> bool:
        return target in self._sources

    def files(self, directory: str) -> Iterator[tuple[str, str]]:
        """Yield the files below *directory*, put off or not: relative path, and where to read it.

        In the order of ``os.walk`` with sorted names: the files of a directory before what is in
        its directories.
        """
        beginning = os.path.join(os.path.normpath(directory), "")
        found = {
            path[len(beginning) :]: source
            for path, source in self._sources.items()
            if path.startswith(beginning)
        }
        for parent, _, names in os.walk(beginning):
            for name in names:
                path = os.path.join(parent, name)
                found[path[len(beginning) :]] = path
        for name in sorted(found, key=_order):
            yield name, found[name]


def _order(name: str) -> str:
    """Return what sorts like the parts of the path *name*, but directories after files."""
    parent, _, file = name.rpartition(os.sep)
    return parent.replace(os.sep, "\0") + "\0\0" + file
