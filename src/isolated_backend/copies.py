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
            source: a file of the tree.
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
        self._sources[target] = os.path.abspath(source)
        return True

    def learn(self, target: str) -> None:
        """Take the mode of *target*, which has just been made, for that of every new file."""
        self._mode = stat.S_IMODE(os.stat(target).st_mode)

    def copy_tree(self, source: str, target: str) -> list[str]:
        """Let what is below the directory *source* be below *target*; return the new paths."""
        made = {
            target + path[len(source) :]: origin
            for path, origin in self._sources.items()
            if path.startswith(os.path.join(source, ""))
        }
        self._sources.update(made)
        return list(made)

    def make(self, target: str) -> None:
        """Make the copy *target* after all, if it has been put off."""
        source = self._sources.pop(target, None)
        if source is not None:
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
        found = {
            os.path.relpath(path, directory): source
            for path, source in self._sources.items()
            if path.startswith(os.path.join(directory, ""))
        }
        for parent, _, names in os.walk(directory):
            for name in names:
                path = os.path.join(parent, name)
                found[os.path.relpath(path, directory)] = path
        yield from sorted(found.items(), key=_order)


def _order(file: tuple[str, str]) -> tuple[list[str], str]:
    *parents, name = file[0].split(os.sep)
    return parents, name
