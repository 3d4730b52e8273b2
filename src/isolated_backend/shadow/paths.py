"""The shadow: a mirror of the file system in one call's slot.

One rule, three functions. What setuptools by default creates at some path is created at the same
path below the slot (:meth:`Shadow.relocate`); a record shows the name that it would have in the
source tree (:meth:`Shadow.in_tree`); and whoever reads such a name finds the bytes where they are
(:meth:`Shadow.actual`). The root ``/a/repo/py`` is ``SLOT/a/repo/py``, so a path that climbs
(``../src/x.egg-info``) stays in the slot.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from contextlib import suppress
from itertools import takewhile
from typing import TYPE_CHECKING

from .removal import empty
from .temporary import PREFIX, home, making_room

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What a name begins with that may be another's of the same file.
_NOT_NORMAL = (os.curdir + os.sep, os.pardir)

#: The longest path that the mirror of a root may have: what setuptools makes in it is longer still.
_LONGEST = 120 if os.name == "nt" else 2048

#: The name of each step to the root where its own would make the path too long, or has characters
#: that setuptools (``{x}``, ``$x``), or a project's shell commands, take for something else.
_SHORT = "="
_PLAIN = re.compile(r"[\w.+~@-]+", re.ASCII)


class Shadow:
    """The shadow of the project root *root* in *slot*, a directory that is this call's alone.

    ``place`` is the mirror of the root. Slots in *temporary*, also other builds', are hidden.
    """

    def __init__(self, root: str, slot: str, temporary: str) -> None:
        self.root = root
        self.slot = slot
        self.place = _mirror_of(root, slot)
        self.temporary = (temporary, home(temporary))
        self._hidden = below(os.path.join(temporary, PREFIX), root)
        self.clear()

    def clear(self) -> None:
        """Begin anew, with an empty slot."""
        empty(self.slot)
        self._moved: dict[str, str] = {}  # by their paths from the root, where directories are
        self._absolute_names: dict[str, str] = {}  # of directories in the slot
        self._seeded: set[str] = set()  # and of those that the shadow alone decides about
        self._asked: list[str] = []  # absolute paths that are to stay where they are
        with making_room(self.slot):
            os.makedirs(self.place)
        _inherit_group(self.root, self.place)

    @property
    def dist(self) -> str:
        """The output directory for setuptools."""
        return os.path.join(self.place, "dist")

    def leave(self, path: str) -> None:
        """Leave *path* and what is below it where it is: the caller asked for just this place."""
        self._asked.append(self._absolute(path))

    def relocate(self, path: str) -> str:
        """Return where to create what setuptools would create at *path*, unless it is to stay."""
        absolute = self._absolute(path)
        if any(below(absolute, stays) is not None for stays in (self.slot, *self._asked)):
            return path
        name = self._from_root(absolute, follow=True)
        if name == os.curdir:
            return self.place
        place = os.path.normpath(os.path.join(self.place, name))
        if name not in self._moved:
            self._moved[name] = place
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
        return os.path.relpath(path, self.place) if below(path, self.slot) is not None else path

    def actual(self, name: str) -> str:
        """Return where the bytes of the in-tree name *name* are: in the shadow, if made there."""
        normal = name
        if name.startswith(_NOT_NORMAL) or os.path.isabs(name):
            normal = self._from_root(self._absolute(name))
        for moved, place in self._moved.items():
            if normal.startswith(moved) and (rest := below(normal, moved)) is not None:
                made = os.path.normpath(os.path.join(place, rest))
                if moved in self._seeded or os.path.lexists(made):
                    return made
        return name

    def seed(self, path: str) -> str:
        """Relocate the directory *path* with what it holds in the source tree, once.

        From then on, what setuptools deletes there is deleted, whatever the source tree holds.
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
        """Yield the files in seeded directories, by names that begin as *pattern*: ``../``."""
        lead = os.path.join(os.path.splitdrive(pattern)[0], os.sep)
        if not os.path.isabs(pattern):
            lead = os.path.join("", *takewhile(os.pardir.__eq__, pattern.split(os.sep)))
        beginning = self._absolute(lead)
        for name in sorted(self._seeded):
            place = self._moved[name]
            for directory, _, files in os.walk(place):
                for file in files:
                    inside = os.path.relpath(os.path.join(directory, file), place)
                    found = below(self._absolute(os.path.join(name, inside)), beginning)
                    if found is not None:
                        yield os.path.join(lead, found)

    def hides(self, name: str) -> bool:
        """Tell whether *name*, relative to the root, is of a slot that lies inside the root."""
        return self._hidden is not None and os.path.normpath(name).startswith(self._hidden)

    def _absolute(self, path: str) -> str:
        return os.path.normpath(os.path.join(self.root, path))

    def _from_root(self, absolute: str, *, follow: bool = False) -> str:
        """Return *absolute* relative to the root; if *follow*, also where a link leads there."""
        name = below(absolute, self.root)
        if name is None and follow:
            name = below(os.path.realpath(absolute), os.path.realpath(self.root))
        return os.path.relpath(*map(_rooted, (absolute, self.root))) if name is None else name


def below(path: str, directory: str) -> str | None:
    """Return *path* relative to *directory* (``.`` for itself), or ``None`` if it is not below."""
    if path == directory:
        return os.curdir
    prefix = directory if directory.endswith(os.sep) else directory + os.sep
    return path[len(prefix) :] if path.startswith(prefix) else None


def _mirror_of(root: str, slot: str) -> str:
    """Return the place of *root* in *slot*: as deep as the root itself lies, and not too long."""
    steps = [step for step in _rooted(root).split(os.sep) if step]
    place = os.path.join(slot, *(step if _PLAIN.fullmatch(step) else _SHORT for step in steps))
    return place if len(place) <= _LONGEST else os.path.join(slot, *[_SHORT] * len(steps))


def _rooted(path: str) -> str:
    """Return *path* with its drive as a directory: no relative path leads to another drive."""
    drive, rest = os.path.splitdrive(path)
    return os.sep + drive.strip(":\\/").replace(os.sep, "+") + rest if drive else path


def _inherit_group(root: str, place: str) -> None:
    """Give *place* the root's set-group-id bit and group: an sdist records its directories'."""
    found = os.stat(root)
    if found.st_mode & stat.S_ISGID and hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(place, -1, found.st_gid)
            os.chmod(place, stat.S_IMODE(os.stat(place).st_mode) | stat.S_ISGID)


def _copy_writable(source: str, target: str) -> None:
    """Copy a file with its times; setuptools will write to the copy, so let it."""
    shutil.copy2(source, target)
    os.chmod(target, stat.S_IMODE(os.stat(target).st_mode) | stat.S_IWUSR)
