"""The place of a project root in a slot."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress

#: The longest path that the mirror of a root may have: what setuptools makes in it is longer still.
_LONGEST = 120 if os.name == "nt" else 2048

#: The name of each step to the root where its own would make the path too long, or has characters
#: that setuptools (``{x}``, ``$x``), or a project's shell commands, take for something else.
_SHORT = "="
_PLAIN = re.compile(r"[\w.+~@-]+", re.ASCII)


def mirror_of(root: str, slot: str) -> str:
    """Return the place of *root* in *slot*: as deep as the root itself lies, and not too long."""
    drive, path = os.path.splitdrive(root)
    steps = [step for step in (drive.strip(":\\/"), *path.split(os.sep)) if step]
    place = os.path.join(slot, *(step if _PLAIN.fullmatch(step) else _SHORT for step in steps))
    return place if len(place) <= _LONGEST else os.path.join(slot, *[_SHORT] * len(steps))


def below(path: str, directory: str) -> str | None:
    """Return *path* relative to *directory* (``.`` for itself), or ``None`` if it is not below."""
    if path == directory:
        return os.curdir
    prefix = directory if directory.endswith(os.sep) else directory + os.sep
    return path[len(prefix) :] if path.startswith(prefix) else None


def inherit_group(root: str, place: str) -> None:
    """Give *place* the root's set-group-id bit and group, which what is made in it inherits.

    In a root that a team shares (``chmod g+s``) setuptools' directories get this bit, and it is
    recorded in the sdist.
    """
    found = os.stat(root)
    if found.st_mode & stat.S_ISGID and hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(place, -1, found.st_gid)
            os.chmod(place, stat.S_IMODE(os.stat(place).st_mode) | stat.S_ISGID)
