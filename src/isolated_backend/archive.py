"""An sdist's archive, from a staging directory and from files that are still in the tree.

setuptools copies every file of an sdist into a staging directory and archives that. All that the
copy changes is the owner and, in some versions, the fraction of a second of the modification time;
one file that has been staged shows both. So the others can go from the tree into the archive
without a copy, and the archive is the same.
"""

from __future__ import annotations

import os
import stat
import tarfile
import time
from typing import TYPE_CHECKING

from .compression import gzipped_tar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .reproducible import NormalForm

_SPECIAL_BITS = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX
_SECOND = 10**9


def without_staging(names: Iterable[str]) -> set[str]:
    """Return those of the files *names* that need not be staged.

    Args:
        names: relative to the current directory, which is the project root.

    Returns:
        Regular files whose copy has the same mode. None at all if a name leads out of the staging
        directory: then it is for setuptools to say what becomes of it.
    """
    found = set()
    for name in names:
        if os.path.isabs(name) or name.startswith(os.pardir) or name != os.path.normpath(name):
            return set()
        try:
            mode = os.stat(name).st_mode
        except OSError:
            continue
        if stat.S_ISREG(mode) and not mode & _SPECIAL_BITS:
            found.add(name)
    return found


def example_of(names: Iterable[str]) -> str:
    """Return the one of the files *names* that shows best what staging does to their times."""
    ordered = sorted(names)
    for name in ordered:
        if os.stat(name).st_mtime_ns % _SECOND:
            return name
    return ordered[0]


def write(
    path: str,
    staging: str,
    streamed: Iterable[str],
    example: str,
    normal_form: NormalForm | None = None,
) -> None:
    """Write a gzipped tar archive of *staging*, as setuptools would if all files were staged.

    Args:
        path: of the archive.
        staging: the directory ``name-version`` with the staged files.
        streamed: files to take from the current directory, under the same names.
        example: one of the staged files, which is in the current directory, too.
        normal_form: what the archive is to be in, if in any.

    Raises:
        OSError: a file cannot be read, or *path* cannot be written.
    """
    finish = normal_form.of_tar if normal_form else _as_it_is
    with normal_form.archive(path) if normal_form else gzipped_tar(path) as archive:
        like = archive.gettarinfo(os.path.join(staging, example))
        fraction_is_lost = like.mtime != os.stat(example).st_mtime
        directory_mode = os.stat(staging).st_mode
        top = os.path.basename(staging)
        for parts, source in sorted(_members(staging, streamed).items()):
            name = "/".join((top, *parts))
            if source is None:
                member = _member(name, like, directory_mode, time.time())
                member.type = tarfile.DIRTYPE
                archive.addfile(finish(member))
                continue
            if source.startswith(staging):
                archive.add(source, name, recursive=False, filter=finish)
                continue
            with open(source, "rb") as file:
                found = os.fstat(file.fileno())
                times = float(int(found.st_mtime)) if fraction_is_lost else found.st_mtime
                member = _member(name, like, found.st_mode, times)
                member.size = found.st_size
                archive.addfile(finish(member), file)


def _as_it_is(member: tarfile.TarInfo) -> tarfile.TarInfo:
    return member


def _members(staging: str, streamed: Iterable[str]) -> Mapping[tuple[str, ...], str | None]:
    """Return the parts of each member's name, and where it comes from (``None``: a directory).

    In the order of the parts, a directory comes before what is in it, by name: as ``tarfile``
    walks through a directory.
    """
    members: dict[tuple[str, ...], str | None] = {}
    for name in streamed:
        *parents, _ = parts = tuple(name.split(os.sep))
        members[parts] = name
        for depth in range(len(parents), 0, -1):
            if parts[:depth] in members:
                break
            members[parts[:depth]] = None
    members[()] = staging
    for directory, directories, files in os.walk(staging):
        for name in (*directories, *files):
            path = os.path.join(directory, name)
            members[tuple(os.path.relpath(path, staging).split(os.sep))] = path
    return members


def _member(name: str, like: tarfile.TarInfo, mode: int, times: float) -> tarfile.TarInfo:
    """Return a member that belongs to whom *like* belongs to."""
    member = tarfile.TarInfo(name)
    member.mode, member.mtime = mode, times
    member.uid, member.gid, member.uname, member.gname = like.uid, like.gid, like.uname, like.gname
    return member
