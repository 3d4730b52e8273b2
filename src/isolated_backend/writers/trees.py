"""The source trees of a build: those around the project root, and what is in one."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress

#: What a directory has that is a project, or a checkout.
_MARKERS = ("pyproject.toml", "setup.py", ".git", ".hg")

#: Directories of the system, in which nothing is a neighbour of a project.
_SYSTEM = re.compile(
    r"\.|Applications|Library|System|Volumes|bin|boot|dev|etc|home|lib\d*|private|proc|root|run|sbin|"
    r"sys|tmp|usr|var"
)

#: What frontends, users and plain setuptools make in the root, beside a build.
_BESIDE = frozenset(["build", "dist", "node_modules", "__pycache__"])
_PASSING = (".whl", ".gz", ".zip", ".log", ".out", ".pyc")


def tree_around(path: str, root: str, temporary: str) -> str | None:
    """Return the source tree that is not *root* and has the directory *path* in it.

    The nearest project or checkout around it, or what both are in; ``None`` for caches and such.
    """
    try:
        common = os.path.commonpath((path, root))
    except ValueError:  # on another drive
        return None
    names = os.path.relpath(path, common).split(os.sep)
    is_hidden = any(name.startswith(".") for name in names if name != os.curdir)
    if is_hidden or "site-packages" in names or names[-2:] == ["isolated-backend", "bytecode"]:
        return None
    if common == os.path.dirname(common):  # all builds of the machine are in that
        common = os.path.join(common, names[0])
        if _SYSTEM.fullmatch(names[0]) or not os.path.isdir(common):
            return None
    caches = (value for name, value in os.environ.items() if "CACHE" in name.upper())
    for place in (temporary, sys.prefix, sys.base_prefix, *filter(os.path.isabs, caches)):
        inside = os.path.join(place, "")
        if os.path.join(path, "").startswith(inside) and not common.startswith(inside):
            return None
    directory = path
    while directory != os.path.dirname(directory):
        if any(os.path.lexists(os.path.join(directory, marker)) for marker in _MARKERS):
            return directory
        directory = os.path.dirname(directory)
    return common


def look(root: str, beside: tuple[str, ...]) -> set[tuple[str, int, int, int]]:
    """Return each file in *root*, but not in *beside*, that may become part of an artifact."""
    seen = set()
    left_out = {sys.prefix, *map(os.path.normpath, beside)}
    directories = [root]
    while directories:
        with suppress(OSError), os.scandir(directories.pop()) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name in _BESIDE or entry.path in left_out:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    directories.append(entry.path)
                elif not entry.name.endswith(_PASSING):
                    found = entry.stat(follow_symlinks=False)
                    seen.add((entry.path, found.st_mtime_ns, found.st_size, found.st_ino))
    return seen
