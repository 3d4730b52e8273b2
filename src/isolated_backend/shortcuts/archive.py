"""An sdist's archive, of a staging directory and of files that are still in the tree.

A file that has been staged differs in the archive from itself: by its owner and, with some versions
of setuptools, by the fraction of a second of its time. A sample shows both, and that all else is
as it is thought to be.
"""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, TYPE_CHECKING

from ..errors import ShortcutError, VanishedFileError
from .proof import Sources, vanishing_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ..reproducible import NormalForm

_SECOND = 10**9
_SAMPLE_TIME = 1.5


def sample(
    place: str, top: str, stage: Callable[[str, str], object], pack: Callable[[str, str], str]
) -> tarfile.TarInfo | None:
    """Return a member of a small archive of setuptools', if :func:`write` makes the same one.

    Args:
        place: a directory to work in, which does not exist.
        top: the name of the staging directory.
        stage: copies a file to a path, as setuptools stages one.
        pack: makes an archive of a directory in another one, as setuptools does; returns its path.
    """
    staging, name = os.path.join(place, top), "sample"
    copy = os.path.join(staging, name)
    os.makedirs(staging)
    source = os.path.join(place, name)
    with open(source, "wb") as file:
        file.write(b"sample")
    os.utime(source, (_SAMPLE_TIME, _SAMPLE_TIME))
    stage(source, copy)
    os.utime(staging, (_SAMPLE_TIME, _SAMPLE_TIME))
    theirs = pack(place, top)
    with tarfile.open(theirs) as archive:
        like = archive.getmember(f"{top}/{name}")
    os.unlink(copy)
    os.utime(staging, (_SAMPLE_TIME, _SAMPLE_TIME))
    ours = os.path.join(place, "ours.tar.gz")
    write(ours, staging, {name: os.stat(source).st_mode}, like, tree=place)
    with gzip.open(theirs) as one, gzip.open(ours) as two:
        return like if one.read() == two.read() else None


def write(
    path: str,
    staging: str,
    streamed: Mapping[str, int],
    like: tarfile.TarInfo,
    normal_form: NormalForm | None = None,
    tree: str = "",
) -> None:
    """Write a gzipped tar archive of *staging*, as setuptools would if all files were staged.

    Args:
        path: of the archive. If this fails, there is none.
        staging: the directory ``name-version`` with the staged files.
        streamed: the names of the other files, and their modes.
        like: a sample of what staging makes of a file (:func:`sample`).
        normal_form: what the archive is to be in, if in any.
        tree: where to find *streamed*; the current directory, if empty.

    Raises:
        VanishedFileError: one of *streamed* is no regular file any more.
        ShortcutError: one has changed while the archive was written.
        OSError: a file cannot be read, or *path* cannot be written.
    """
    try:
        with normal_form.archive(path) if normal_form else tarfile.open(path, "w|gz") as archive:
            finish = normal_form.of_tar if normal_form else _as_it_is
            _fill(archive, staging, streamed, like, finish, tree)
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise


def _fill(
    archive: tarfile.TarFile,
    staging: str,
    streamed: Mapping[str, int],
    like: tarfile.TarInfo,
    finish: Callable[[tarfile.TarInfo], tarfile.TarInfo],
    tree: str,
) -> None:
    """Add all members, in the order in which ``tarfile`` finds those of a directory."""
    directory_mode = os.stat(staging).st_mode
    top = os.path.basename(staging)
    found = Sources()
    for parts, source in sorted(_members(staging, streamed).items()):
        name = "/".join((top, *parts))
        if source is None:
            member = _member(name, like, directory_mode, time.time())
            member.type = tarfile.DIRTYPE
            archive.addfile(finish(member))
        elif source not in streamed:
            archive.add(source, name, recursive=False, filter=finish)
        else:
            path = os.path.join(tree, source)
            with _opened(path) as (file, status):
                found.add(path, status)
                if status.st_mode != streamed[source]:
                    raise ShortcutError(f"The mode of {source} has changed.")
                times = status.st_mtime
                if like.mtime != _SAMPLE_TIME:
                    times = float(status.st_mtime_ns // _SECOND)
                member = _member(name, like, status.st_mode, times)
                member.size = status.st_size
                _add(archive, finish(member), file)
    found.check_all()


@contextmanager
def _opened(path: str) -> Iterator[tuple[IO[bytes], os.stat_result]]:
    """Open the regular file *path*; nobody waits for the other end of a pipe in its place."""
    with ExitStack() as opened:
        with vanishing_named(path):
            file = opened.enter_context(open(path, "rb", 0, opener=_without_waiting))
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise VanishedFileError.of(path)
        yield file, status


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _add(archive: tarfile.TarFile, member: tarfile.TarInfo, file: IO[bytes]) -> None:
    try:
        archive.addfile(member, file)
    except OSError as error:
        if error.errno is None:  # tarfile's own: the file has become shorter
            raise ShortcutError(f"{member.name} has changed while it was packaged.") from error
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
