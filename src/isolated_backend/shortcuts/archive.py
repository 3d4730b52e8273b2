"""An sdist's archive, with files that have not been staged where they would be if they had been.

What staging makes of a file in the archive is shown by a sample: its owner and, in some versions of
setuptools, its time without the fraction of a second.
"""

from __future__ import annotations

import copy
import os
import stat
import tarfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import ShortcutError
from .compression import gzipped_tar
from .proof import Sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..reproducible import NormalForm

_SECOND = 10**9


def one_to_stage(names: Iterable[str]) -> str:
    """Return the best sample among the files *names*: one whose time has a fraction of a second."""
    for name in names:
        with suppress(OSError):  # it will be missed when it is its turn
            if os.stat(name).st_mtime_ns % _SECOND:
                break
    return name


def complete(
    path: str, sample: str, streamed: Mapping[str, int], normal_form: NormalForm | None = None
) -> None:
    """Add files of the current directory to the gzipped sdist at *path*, in their places.

    *streamed* has their modes; *sample* has been staged (:func:`one_to_stage`). If this fails,
    there is no archive.
    """
    staged = path + ".staged"
    os.rename(path, staged)  # the header tells the name of an archive
    try:
        with (
            tarfile.open(staged) as made,
            gzipped_tar(path, anonymous=bool(normal_form)) as archive,
        ):
            finish = normal_form.of_tar if normal_form else copy.copy
            top, *_ = members = made.getmembers()
            wanted = f"{top.name}/{sample.replace(os.sep, '/')}"
            like = next((member for member in members if member.name == wanted), top)
            keeps_fractions = _keeps_fractions(made, like, sample)
            found = Sources()
            merged = _merged(members, streamed)
            # So a directory comes before what is in it, as `tarfile` walks through a directory.
            for name in sorted(merged, key=lambda name: name.replace("/", "\0")):
                source = merged[name]
                if isinstance(source, tarfile.TarInfo):
                    content = made.extractfile(source) if source.isreg() else None
                    archive.addfile(finish(source), content)
                elif source is None:
                    archive.addfile(finish(_like(top, name, top.mode, time.time())))
                else:
                    status = found.look(source, streamed[source])
                    whole = float(status.st_mtime_ns // _SECOND)
                    times = status.st_mtime if keeps_fractions else whole
                    member = _like(like, name, stat.S_IMODE(status.st_mode), times)
                    member.size = status.st_size
                    try:
                        with open(source, "rb", 0, opener=_without_waiting) as file:
                            archive.addfile(finish(member), file)
                    except OSError:
                        found.check(source)  # it may have vanished, or become shorter
                        raise
            found.check()
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise
    os.unlink(staged)
    if normal_form:
        normal_form.note(path)


def _keeps_fractions(made: tarfile.TarFile, like: tarfile.TarInfo, sample: str) -> bool:
    """Tell whether staging keeps the fractions of times: *like* has to be a copy of *sample*."""
    with open(sample, "rb") as file:
        content = file.read()
    status = os.stat(sample)
    copied = made.extractfile(like) if like.isreg() else None
    if (
        copied is None
        or copied.read() != content
        or like.mode != stat.S_IMODE(status.st_mode)
        or like.mtime not in (status.st_mtime, status.st_mtime_ns // _SECOND)
        or not like.pax_headers.keys() <= {"mtime", "path", "uname", "gname"}
    ):
        raise ShortcutError(f"setuptools makes more of {sample} than a copy.")
    return like.mtime == status.st_mtime


def _merged(
    staged: Iterable[tarfile.TarInfo], streamed: Iterable[str]
) -> dict[str, tarfile.TarInfo | str | None]:
    """Return where each member comes from, by its name; ``None``: it is a directory."""
    members: dict[str, tarfile.TarInfo | str | None] = {member.name: member for member in staged}
    top = next(iter(members))
    for source in streamed:
        name = f"{top}/{source.replace(os.sep, '/')}"
        members.setdefault(name, source)
        while (name := name.rpartition("/")[0]) not in members:
            members[name] = None
    return members


def _without_waiting(path: str, flags: int) -> int:
    """Open *path*, which may have become a pipe without another end by now."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _like(member: tarfile.TarInfo, name: str, mode: int, times: float) -> tarfile.TarInfo:
    """Return a member of the same kind and owner as *member*."""
    other = copy.copy(member)
    other.name, other.mode, other.mtime, other.pax_headers = name, mode, times, {}
    return other
