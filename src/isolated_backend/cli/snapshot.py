"""A directory tree at one moment, and what has changed since."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: By relative path: whatever makes two paths different, except for times.
Snapshot: TypeAlias = dict[str, tuple[str, int, str]]

# To look at a working copy is to write to these: `git describe --dirty` refreshes git's index.
_VCS = frozenset({".git", ".hg", ".svn", ".bzr"})


@dataclass(frozen=True)
class Changes:
    """The paths that differ between two snapshots; directories end with a slash."""

    created: tuple[str, ...]
    changed: tuple[str, ...]
    deleted: tuple[str, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """All of them, in order."""
        return tuple(sorted({*self.created, *self.changed, *self.deleted}))


def topmost(paths: Iterable[str]) -> Iterator[str]:
    """Yield those of *paths* that are not inside of another one; *paths* must be in order."""
    last = None
    for path in paths:
        if last is None or not last.endswith("/") or not path.startswith(last):
            last = path
            yield path


def take(root: Path) -> Snapshot:
    """Return the snapshot of the tree at *root*, without what the version control system keeps."""
    found: Snapshot = {"./": _look(root)}
    for directory, names, files in os.walk(root):
        if Path(directory) == root:
            names[:] = [name for name in names if name not in _VCS]
        for name in (*names, *files):
            path = Path(directory, name)
            look = _look(path)
            relative = path.relative_to(root).as_posix()
            found[relative + "/" if look[0] == "directory" else relative] = look
    return found


def compare(before: Snapshot, after: Snapshot) -> Changes:
    """Return what is different in *after*."""
    both = before.keys() & after.keys()
    return Changes(
        created=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(sorted(path for path in both if before[path] != after[path])),
        deleted=tuple(sorted(before.keys() - after.keys())),
    )


def _look(path: Path) -> tuple[str, int, str]:
    """Return the type, the mode and the content of *path*."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "link", 0, os.readlink(path)
    if stat.S_ISDIR(mode):
        return "directory", stat.S_IMODE(mode), ""
    if stat.S_ISREG(mode):
        return "file", stat.S_IMODE(mode), hashlib.sha256(path.read_bytes()).hexdigest()
    return "special", stat.S_IMODE(mode), ""
