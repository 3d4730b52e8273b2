"""A directory tree at one moment, and what has changed since."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Look(NamedTuple):
    """Whatever makes two paths different, and when a file was last written."""

    type: str
    mode: int
    content: str
    written: int = 0

    def same_as(self, other: Look) -> bool:
        """Tell whether only the time is another one than that of *other*."""
        return self[:3] == other[:3]


#: By relative path.
Snapshot: TypeAlias = dict[str, Look]

# To look at a working copy is to write to these: `git describe --dirty` refreshes git's index.
_VCS = frozenset({".git", ".hg", ".svn", ".bzr"})


@dataclass(frozen=True)
class Changes:
    """The paths that differ between two snapshots; directories end with a slash.

    Attributes:
        created: those that were not there before.
        changed: those that are not what they were.
        deleted: those that are no more.
        rewritten: those that are what they were, but have been written again.
    """

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    rewritten: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """All that make the tree another one, in order."""
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
            found[relative + "/" if look.type == "directory" else relative] = look
    return found


def compare(before: Snapshot, after: Snapshot) -> Changes:
    """Return what is different in *after*."""
    both = sorted(before.keys() & after.keys())
    same = {path for path in both if before[path].same_as(after[path])}
    return Changes(
        created=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(path for path in both if path not in same),
        deleted=tuple(sorted(before.keys() - after.keys())),
        rewritten=tuple(path for path in both if path in same and before[path] != after[path]),
    )


def _look(path: Path) -> Look:
    status = path.lstat()
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return Look("link", 0, os.readlink(path))
    if stat.S_ISDIR(status.st_mode):
        return Look("directory", mode, "")
    if stat.S_ISREG(status.st_mode):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        return Look("file", mode, content, status.st_mtime_ns)
    return Look("special", mode, "")
