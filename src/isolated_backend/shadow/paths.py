"""The shadow: a mirror of the file system in one call's slot.

One rule, three functions. What setuptools by default creates at some path is created at the same
path below the slot (:meth:`Shadow.relocate`); a record shows the name that it would have in the
source tree (:meth:`Shadow.in_tree`); and whoever reads such a name finds the bytes where they are
(:meth:`Shadow.actual`).

The root ``/a/repo/py`` is ``SLOT/a/repo/py``. So a path that climbs (``../src/x.egg-info``,
``build/temp/../../../core.o``) stays in the slot, as far up as the root lies deep.
"""

from __future__ import annotations

import os
import shutil
import stat
from itertools import takewhile
from typing import TYPE_CHECKING

from ..errors import ShadowError
from .mirror import below, inherit_group, mirror_of
from .removal import empty
from .temporary import PREFIX, home

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: What a name begins with that may be another's of the same file.
_NOT_NORMAL = (os.curdir + os.sep, os.pardir)


class Shadow:
    """The shadow of one hook call.

    Args:
        root: the project root, which is the current directory of the hook.
        slot: an empty directory that belongs to this call alone.
        temporary: the directory for temporary files. Where it is inside the root, the slots in it
            must not appear in any file list.

    Attributes:
        place: the mirror of the root.
    """

    def __init__(self, root: str, slot: str, temporary: str) -> None:
        self.root = root
        self.slot = slot
        self.place = mirror_of(root, slot)
        self.temporary = (temporary, home(temporary))
        self._hidden = below(os.path.join(temporary, PREFIX), root)
        self.clear()

    def clear(self) -> None:
        """Begin anew, with an empty slot."""
        empty(self.slot)
        self._moved: dict[str, str] = {}  # by their paths from the root, where directories are
        self._moved_prefixes: tuple[str, ...] = ()  # what the paths of all below begin with
        self._absolute_names: dict[str, str] = {}  # of directories in the slot
        self._seeded: set[str] = set()  # and of those that the shadow alone decides about
        self._asked: list[str] = []  # absolute paths that are to stay where they are
        try:
            os.makedirs(self.place)
        except OSError as error:
            raise ShadowError(
                f"Cannot make a directory to build in below {self.slot}: {error.strerror}. "
                "Free it, or point TMPDIR to a directory that can be written."
            ) from error
        inherit_group(self.root, self.place)

    @property
    def dist(self) -> str:
        """The output directory for setuptools."""
        return os.path.join(self.place, "dist")

    def leave(self, path: str) -> None:
        """Leave *path* and what is below it where it is: the caller asked for just this place."""
        self._asked.append(self._absolute(path))

    def relocate(self, path: str) -> str:
        """Return where to create what setuptools would create at *path*.

        Args:
            path: relative to the root, or absolute.

        Returns:
            The same place in the shadow; *path* itself if it is in the slot already, or was asked
            for (:meth:`leave`).
        """
        absolute = self._absolute(path)
        if below(absolute, self.slot) is not None:
            return path
        if any(below(absolute, asked) is not None for asked in self._asked):
            return path
        name = self._from_root(absolute, follow=True)
        if name == os.curdir:
            return self.place
        place = os.path.normpath(os.path.join(self.place, name))
        if name not in self._moved:
            self._moved[name] = place
            self._moved_prefixes += (name + os.sep,)
            if os.path.isabs(path):
                self._absolute_names[place] = absolute  # setuptools would record it as it is
        return place

    @property
    def relocated(self) -> dict[str, str]:
        """Where in the shadow directories are, by their paths from the root; none below another."""
        found: dict[str, str] = {}
        for name in sorted(self._moved):
            if not any(below(name, other) for other in found):
                found[name] = self._moved[name]
        return found

    def is_in_root(self, path: str) -> bool:
        """Tell whether *path* is in the root, and not in a slot that lies there."""
        absolute = self._absolute(path)
        return below(absolute, self.root) is not None and below(absolute, self.slot) is None

    def is_in_slot(self, path: str) -> bool:
        """Tell whether *path* is in the slot of this call."""
        return below(self._absolute(path), self.slot) is not None

    def apart(self, path: str, name: str) -> str:
        """Return a directory like *path* for the part *name* of a build alone, also if names climb.

        Args:
            path: a directory, of the slot or not.
            name: no path, and with a dot in it: no step of a path to a root has the same name.
        """
        inside = below(path, self.slot)
        return os.path.join(path, name) if inside is None else os.path.join(self.slot, name, inside)

    def confined(self, path: str) -> str:
        """Return *path*, or what it is with ``/..`` for ``/`` if it climbs out of the slot."""
        if not path.startswith(self.slot) or self.is_in_slot(path):
            return path
        return self.slot + os.path.normpath(path[len(self.slot) :])

    def in_tree(self, path: str) -> str:
        """Return the name to record for *path*: that which it would have without the shadow."""
        if not path.startswith(self.slot):
            return path
        for place, name in self._absolute_names.items():
            rest = below(path, place)
            if rest is not None:
                return os.path.normpath(os.path.join(name, rest))
        return self.from_root(path)

    def from_root(self, path: str) -> str:
        """Return for *path*, if it is in the slot, the relative path that it would have without."""
        name = below(path, self.place)
        if name is not None or below(path, self.slot) is None:
            return name or path
        return os.path.relpath(path, self.place)

    def all_in_tree(self, paths: Iterable[str]) -> list[str]:
        """Return what :meth:`in_tree` returns for each of *paths*."""
        slot = self.slot
        return [self.in_tree(path) if path.startswith(slot) else path for path in paths]

    def actual(self, name: str) -> str:
        """Return where the bytes of the in-tree name *name* are now.

        Returns:
            The path in the shadow if it was made there, else *name* itself.
        """
        normal = name
        if name.startswith(_NOT_NORMAL) or os.path.isabs(name):
            normal = self._from_root(self._absolute(name))
        if normal not in self._moved and not normal.startswith(self._moved_prefixes):
            return name  # as nearly all: each file of the project is asked for several times
        for moved, place in self._moved.items():
            rest = below(normal, moved)
            if rest is not None:
                made = os.path.normpath(os.path.join(place, rest))
                if moved in self._seeded or os.path.lexists(made):
                    return made
        return name

    def seed(self, path: str) -> str:
        """Relocate the directory *path* with what it holds in the source tree, once.

        From then on only what is in the shadow counts: a file that setuptools deletes there is
        deleted, whatever the source tree still holds.

        Returns:
            Its path in the shadow.
        """
        place = self.relocate(path)
        name = self.from_root(place)
        if name not in self._seeded:
            self._seeded.add(name)
            source = os.path.join(self.root, name)
            if os.path.isdir(source):
                shutil.copytree(source, place, dirs_exist_ok=True, copy_function=_copy_writable)
        return place

    def seeded_names(self, pattern: str = "") -> Iterator[str]:
        """Yield the files in the directories that have been seeded, as *pattern* would find them.

        Args:
            pattern: of files. What it finds begins as it does: with ``/``, or with so many ``../``.
        """
        lead = os.path.join(os.path.splitdrive(pattern)[0], os.sep)
        if not os.path.isabs(pattern):
            lead = os.path.join("", *takewhile(os.pardir.__eq__, pattern.split(os.sep)))
        beginning = os.path.normpath(os.path.join(self.root, lead))
        for name in sorted(self._seeded):
            place = self._moved[name]
            for directory, _, files in os.walk(place):
                for file in files:
                    path = os.path.join(self.root, name, os.path.relpath(directory, place), file)
                    found = below(os.path.normpath(path), beginning)
                    if found is not None:
                        yield os.path.join(lead, found)

    @property
    def inside_root(self) -> bool:
        """Whether slots lie inside the root, because TMPDIR does."""
        return self._hidden is not None

    def hides(self, name: str) -> bool:
        """Tell whether *name*, relative to the root, is of a slot that lies inside the root."""
        return self._hidden is not None and os.path.normpath(name).startswith(self._hidden)

    def _absolute(self, path: str) -> str:
        return os.path.normpath(os.path.join(self.root, path))

    def _from_root(self, absolute: str, *, follow: bool = False) -> str:
        """Return the path *absolute* relative to the root.

        Args:
            absolute: a normal path.
            follow: whether it may have come to the root through a symbolic link.
        """
        name = below(absolute, self.root)
        if name is None and follow:
            name = below(os.path.realpath(absolute), os.path.realpath(self.root))
        return os.path.relpath(absolute, self.root) if name is None else name


def _copy_writable(source: str, target: str) -> None:
    """Copy a file with its times; setuptools will write to the copy, so let it."""
    shutil.copy2(source, target)
    os.chmod(target, stat.S_IMODE(os.stat(target).st_mode) | stat.S_IWUSR)
