"""An sdist's archive, from a staging directory and from files that are still in the tree.

setuptools copies every file of an sdist into a staging directory and archives that. All that the
copy changes is the owner and, in some versions, the fraction of a second of the modification time;
a sample that has been staged shows both. So the others can go from the tree into the archive
without a copy, and the archive is the same.

The tree may change meanwhile, as it may while setuptools copies: a file is read at one moment, and
whatever has ceased to be one is left out as setuptools leaves it out.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import tarfile
import time
from typing import TYPE_CHECKING

from .compression import gzipped_tar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..reproducible import NormalForm

#: The name of the sample in a staging directory.
SAMPLE = ".isolated-backend-sample"

_SPECIAL_BITS = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX
_SECOND = 10**9
_SAMPLE_TIME = 1.5

#: Bytes of a file that is read at once. A larger one is staged: the copy costs little beside it.
_LARGEST = 1 << 20

#: What opening a path says that is no regular file any more, or none at all.
_NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO)


def without_staging(names: Iterable[str]) -> set[str]:
    """Return those of the files *names* that need not be staged.

    Args:
        names: relative to the current directory, which is the project root.

    Returns:
        Regular files, not too large, whose copy has the same mode. None at all if a name leads out
        of the staging directory: then it is for setuptools to say what becomes of it.
    """
    found = set()
    for name in names:
        if os.path.isabs(name) or name.startswith(os.pardir) or name != os.path.normpath(name):
            return set()
        try:
            status = os.stat(name)
        except OSError:
            continue
        mode = status.st_mode
        if stat.S_ISREG(mode) and not mode & _SPECIAL_BITS and status.st_size <= _LARGEST:
            found.add(name)
    return found


def make_sample(directory: str) -> str:
    """Make a file in *directory*, to be staged under the name :data:`SAMPLE`; return its path."""
    path = os.path.join(directory, SAMPLE)
    with open(path, "wb"):
        pass
    os.utime(path, (_SAMPLE_TIME, _SAMPLE_TIME))
    return path


def write(
    path: str,
    staging: str,
    streamed: Iterable[str],
    skip: Callable[[str], object],
    normal_form: NormalForm | None = None,
) -> None:
    """Write a gzipped tar archive of *staging*, as setuptools would if all files were staged.

    Args:
        path: of the archive.
        staging: the directory ``name-version`` with the staged files and the sample.
        streamed: files to take from the current directory, under the same names.
        skip: is told of each of them that is left out, for it is no file any more.
        normal_form: what the archive is to be in, if in any.

    Raises:
        OSError: a file cannot be read, or *path* cannot be written.
    """
    finish = normal_form.of_tar if normal_form else _as_it_is
    with normal_form.archive(path) if normal_form else gzipped_tar(path) as archive:
        sample = os.path.join(staging, SAMPLE)
        like = archive.gettarinfo(sample)
        os.unlink(sample)
        fraction_is_lost = like.mtime != _SAMPLE_TIME
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
            read = _read(source)
            if read is None:
                skip(source)
                continue
            found, content = read
            times = float(found.st_mtime_ns // _SECOND) if fraction_is_lost else found.st_mtime
            member = _member(name, like, found.st_mode, times)
            member.size = len(content)
            archive.addfile(finish(member), io.BytesIO(content))


def _read(path: str) -> tuple[os.stat_result, bytes] | None:
    """Return the file *path*, of one moment; ``None`` if it is no regular file.

    A pipe may stand in its place: nobody waits for its other end.
    """
    flags = getattr(os, "O_NONBLOCK", 0)
    try:
        with open(path, "rb", opener=lambda name, mode: os.open(name, mode | flags)) as file:
            found = os.fstat(file.fileno())
            return (found, file.read()) if stat.S_ISREG(found.st_mode) else None
    except OSError as error:
        if error.errno in _NO_FILE:
            return None
        raise


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
