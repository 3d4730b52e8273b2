"""The shadow: a directory outside the project root that mirrors it for one hook call.

One rule, three functions. What setuptools by default creates inside the root is created at the
same relative place in the shadow (:meth:`Shadow.relocate`); a record shows the name that it would
have in the root (:meth:`Shadow.in_tree`); and whoever reads such a name finds the bytes where
they are (:meth:`Shadow.actual`).
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from .slots import PREFIX, home

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HERE = os.curdir + os.sep

#: Where in the shadow that is which has no place in the root.
_OUTSIDE = ".outside"


class Shadow:
    """A mirror of one project root, for one hook call.

    Args:
        root: the project root, which is the current directory of the hook.
        place: an empty directory that belongs to this call alone.
        temporary: the directory for temporary files. Where it is inside the root, the shadows in
            it must not appear in any file list.
    """

    def __init__(self, root: str, place: str, temporary: str) -> None:
        self.root = root
        self.place = place
        self.temporary = (temporary, home(temporary))
        self._moved: set[str] = set()  # in-tree names of what has been relocated
        self._moved_prefixes: tuple[str, ...] = ()  # what the names of all below begin with
        self._seeded: set[str] = set()  # and of those that the shadow alone decides about
        self._asked: set[str] = set()  # absolute paths that are to stay in the root
        self._hidden = _below(os.path.join(temporary, PREFIX), root)
        _inherit_group(root, place)

    @property
    def dist(self) -> str:
        """Where setuptools is to put the artifact."""
        return os.path.join(self.place, "dist")

    def leave(self, path: str) -> None:
        """Leave *path* and what is below it where it is: the caller asked for just this place."""
        self._asked.add(self._absolute(path))

    def relocate(self, path: str) -> str:
        """Return where to create what setuptools would create at *path*.

        Args:
            path: relative to the root, or absolute.

        Returns:
            The same place in the shadow; *path* itself if it is not in the root, already in the
            shadow, or was asked for (:meth:`leave`).
        """
        absolute = self._absolute(path)
        if _below(absolute, self.place) is not None:
            return path
        if any(_below(absolute, asked) is not None for asked in self._asked):
            return path
        name = _below(absolute, self.root)
        if name is None:
            # An absolute path may have come here through a symbolic link to the root.
            name = _below(os.path.realpath(absolute), os.path.realpath(self.root))
        if name is None:
            return path
        if name == os.curdir:
            return self.place
        if name not in self._moved:
            self._moved.add(name)
            self._moved_prefixes += (name + os.sep,)
        return os.path.join(self.place, name)

    def relocate_from_anywhere(self, path: str) -> str:
        """Return where to create what a configuration has setuptools create at *path*.

        All builds of the project, and perhaps of others, would meet in a directory that is named
        in setup.cfg, outside of the root just as inside.
        """
        place = self.relocate(path)
        absolute = self._absolute(place)
        if any(_below(absolute, known) is not None for known in (self.place, *self._asked)):
            return place
        from hashlib import sha256  # few projects do this, and all would pay for the import

        digest = sha256(os.fsencode(absolute)).hexdigest()[:16]
        return os.path.join(self.place, _OUTSIDE, digest)

    @property
    def relocated(self) -> list[str]:
        """The in-tree names of what is in the shadow instead, without what is below another."""
        found: list[str] = []
        for name in sorted(self._moved):
            if not any(_below(name, other) for other in found):
                found.append(name)
        return found

    def is_in_root(self, path: str) -> bool:
        """Tell whether *path* is in the root, and not in a shadow that lies there."""
        absolute = self._absolute(path)
        return _below(absolute, self.root) is not None and _below(absolute, self.place) is None

    def in_tree(self, path: str) -> str:
        """Return the name to record for *path*: relative to the root if it is in the shadow."""
        if not path.startswith(self.place):
            return path
        return _below(path, self.place) or path

    def all_in_tree(self, paths: Iterable[str]) -> list[str]:
        """Return what :meth:`in_tree` returns for each of *paths*."""
        place = self.place
        return [self.in_tree(path) if path.startswith(place) else path for path in paths]

    def actual(self, name: str) -> str:
        """Return where the bytes of the in-tree name *name* are now.

        Returns:
            The path in the shadow if it was made there, else *name* itself.
        """
        name = self.in_tree(name)
        normal = os.path.normpath(name) if name.startswith(_HERE) else name
        if normal not in self._moved and not normal.startswith(self._moved_prefixes):
            return name  # as nearly all: each file of the project is asked for several times
        for moved in self._moved:
            if normal == moved or normal.startswith(moved + os.sep):
                made = os.path.join(self.place, normal)
                if moved in self._seeded or os.path.lexists(made):
                    return made
        return name

    def seed(self, path: str) -> str:
        """Relocate the directory *path* with what it holds in the root, once.

        From then on only what is in the shadow counts: a file that setuptools deletes there is
        deleted, whatever the root still holds.

        Returns:
            Its path in the shadow.
        """
        place = self.relocate(path)
        name = self.in_tree(place)
        if name not in self._seeded:
            self._seeded.add(name)
            source = os.path.join(self.root, name)
            if os.path.isdir(source):
                shutil.copytree(source, place, dirs_exist_ok=True, copy_function=_copy_writable)
        return place

    def seeded_names(self) -> Iterator[str]:
        """Yield the in-tree names of the files in the directories that have been seeded."""
        for name in sorted(self._seeded):
            for directory, _, files in os.walk(os.path.join(self.place, name)):
                for file in files:
                    yield self.in_tree(os.path.join(directory, file))

    @property
    def inside_root(self) -> bool:
        """Whether shadows lie inside the root, because TMPDIR does."""
        return self._hidden is not None

    def hides(self, name: str) -> bool:
        """Tell whether *name*, relative to the root, is of a shadow that lies inside the root."""
        return self._hidden is not None and os.path.normpath(name).startswith(self._hidden)

    def _absolute(self, path: str) -> str:
        return os.path.normpath(os.path.join(self.root, path))


def _below(path: str, directory: str) -> str | None:
    """Return *path* relative to *directory* (``.`` for itself), or ``None`` if it is not below."""
    if path == directory:
        return os.curdir
    prefix = directory if directory.endswith(os.sep) else directory + os.sep
    return path[len(prefix) :] if path.startswith(prefix) else None


def _copy_writable(source: str, target: str) -> None:
    """Copy a file with its times; setuptools will write to the copy, so let it."""
    shutil.copy2(source, target)
    os.chmod(target, stat.S_IMODE(os.stat(target).st_mode) | stat.S_IWUSR)


def _inherit_group(root: str, place: str) -> None:
    """Give *place* the root's set-group-id bit and group, which what is made in it inherits.

    In a root that a team shares (``chmod g+s``) setuptools' directories get this bit, and it is
    recorded in the sdist.
    """
    found = os.stat(root)
    if found.st_mode & stat.S_ISGID and hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(place, -1, found.st_gid)
            os.chmod(place, stat.S_IMODE(os.stat(place).st_mode) | stat.S_ISGID)
