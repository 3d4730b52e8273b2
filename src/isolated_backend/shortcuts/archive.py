"""An sdist's archive, of a staging directory and of files that are still in the tree.

A file that has been staged differs in the archive from itself: by its owner and, with some versions
of setuptools, by the fraction of a second of its time. Samples show both, and that all else is as
it is thought to be.
"""

from __future__ import annotations

import filecmp
import gzip
import os
import stat
import tarfile
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, TYPE_CHECKING, NamedTuple

from ..errors import ShortcutError, VanishedFileError
from .proof import Sources, vanishing_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ..reproducible import NormalForm

_SECOND = 10**9
_SAMPLE, _SAMPLE_TIME = "sample", 1.5


class Manner(NamedTuple):
    """How setuptools describes a staged file in an archive.

    Attributes:
        like: a member with the owner that all have.
        fractions: whether times have the fractions of seconds that the file's own have.
    """

    like: tarfile.TarInfo
    fractions: bool

    @classmethod
    def of(
        cls, name: str, staged: str, place: str, top: str, pack: Callable[[str, str], str]
    ) -> Manner | None:
        """Find out; return ``None`` if it is not the known manner.

        Args:
            name: of a file (:func:`one_to_stage`).
            staged: the path of what staging has made of it.
            place: a directory to work in, which does not exist.
            top: the name of the staging directory.
            pack: makes an archive of a directory in another one, as setuptools does, and returns
                its path.
        """
        with vanishing_named(name):
            one, two = os.stat(name), os.stat(staged)
            if one.st_mode != two.st_mode or not filecmp.cmp(name, staged, shallow=False):
                return None
        fractions = one.st_mtime_ns == two.st_mtime_ns
        if not fractions and one.st_mtime_ns // _SECOND * _SECOND != two.st_mtime_ns:
            return None
        like = _packed_sample(place, top, pack)
        return cls(like, fractions) if like else None


def one_to_stage(names: Iterable[str]) -> str:
    """Return the one of the files *names* whose copy tells most: it has a fraction of a second.

    Raises:
        VanishedFileError: one is no regular file any more.
    """
    for name in names:
        with vanishing_named(name):
            if os.stat(name).st_mtime_ns % _SECOND:
                break
    return name


def _packed_sample(place: str, top: str, pack: Callable[[str, str], str]) -> tarfile.TarInfo | None:
    """Return a member of a small archive of setuptools', if :func:`write` makes the same one."""
    staging = os.path.join(place, top)
    copy, source = os.path.join(staging, _SAMPLE), os.path.join(place, _SAMPLE)
    os.makedirs(staging)
    for path in (copy, source):
        with open(path, "wb") as file:
            file.write(b"sample")
        os.utime(path, (_SAMPLE_TIME, _SAMPLE_TIME))
    os.utime(staging, (_SAMPLE_TIME, _SAMPLE_TIME))
    theirs, ours = pack(place, top), os.path.join(place, "ours.tar.gz")
    with tarfile.open(theirs) as archive:
        like = archive.getmember(f"{top}/{_SAMPLE}")
    os.unlink(copy)
    os.utime(staging, (_SAMPLE_TIME, _SAMPLE_TIME))
    write(ours, staging, {_SAMPLE: os.stat(source).st_mode}, Manner(like, True), tree=place)
    with gzip.open(theirs) as one, gzip.open(ours) as two:
        return like if one.read() == two.read() else None


def write(
    path: str,
    staging: str,
    streamed: Mapping[str, int],
    manner: Manner,
    normal_form: NormalForm | None = None,
    tree: str = "",
) -> None:
    """Write a gzipped tar archive of *staging*, as setuptools would if all files were staged.

    Args:
        path: of the archive. If this fails, there is none.
        staging: the directory ``name-version`` with the staged files.
        streamed: the names of the other files, and their modes.
        manner: how to describe these.
        normal_form: what the archive is to be in, if in any.
        tree: the directory with *streamed*; the current one, if empty.

    Raises:
        VanishedFileError: one of *streamed* is no regular file any more.
        ShortcutError: one has changed while the archive was written.
        OSError: a file cannot be read, or *path* cannot be written.
    """
    finish = normal_form.of_tar if normal_form else _as_it_is
    top, mode, found = os.path.basename(staging), os.stat(staging).st_mode, Sources()
    try:
        with normal_form.archive(path) if normal_form else tarfile.open(path, "w|gz") as archive:
            for parts, source in sorted(_members(staging, streamed).items()):
                name = "/".join((top, *parts))
                if source is None:
                    directory = _member(archive.tarinfo(name), manner.like, mode, time.time())
                    directory.type = tarfile.DIRTYPE
                    archive.addfile(finish(directory))
                elif source not in streamed:
                    archive.add(source, name, recursive=False, filter=finish)
                else:
                    where = os.path.join(tree, source)
                    with _opened(where, streamed[source]) as (file, status):
                        found.add(where, status)
                        member = _described(archive.tarinfo(name), status, manner)
                        _add(archive, finish(member), file)
            found.check_all()
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise


@contextmanager
def _opened(path: str, mode: int) -> Iterator[tuple[IO[bytes], os.stat_result]]:
    """Open the regular file *path*; nobody waits for the other end of a pipe in its place."""
    with ExitStack() as opened:
        with vanishing_named(path):
            file = opened.enter_context(open(path, "rb", 0, opener=_without_waiting))
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise VanishedFileError.of(path)
        if status.st_mode != mode:
            raise ShortcutError(f"The mode of {path} has changed since it was listed.")
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


def _described(member: tarfile.TarInfo, status: os.stat_result, manner: Manner) -> tarfile.TarInfo:
    """Return *member* as the file that has the *status*."""
    whole = float(status.st_mtime_ns // _SECOND)
    member.size = status.st_size
    times = status.st_mtime if manner.fractions else whole
    return _member(member, manner.like, status.st_mode, times)


def _member(
    member: tarfile.TarInfo, like: tarfile.TarInfo, mode: int, times: float
) -> tarfile.TarInfo:
    """Return *member*, given to whom *like* belongs to."""
    member.mode, member.mtime = mode, times
    member.uid, member.gid, member.uname, member.gname = like.uid, like.gid, like.uname, like.gname
    return member
