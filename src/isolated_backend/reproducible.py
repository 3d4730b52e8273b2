"""Archives in their normal form: the same files make the same bytes, whoever packs them.

``SOURCE_DATE_EPOCH`` asks for it (https://reproducible-builds.org/specs/source-date-epoch/).
setuptools minds it for the times in a wheel alone (pypa/setuptools#2133). Times are all the given
one and not just limited to it: a checkout that has been updated again and again has files older
than that, and a fresh one has not.
"""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING, Final

from .errors import SettingsError

if TYPE_CHECKING:
    import zipfile

VARIABLE: Final = "SOURCE_DATE_EPOCH"

#: What a zip archive can hold: from 1 January 1980 to the end of 2107.
_EARLIEST, _LATEST = 315532800, 4354819199

_UNIX = 3  # the system that a member of a zip archive says it was made on
_MSDOS_DIRECTORY = 0x10


class NormalForm:
    """The normal form of archives whose members all are of *epoch*, in seconds since 1970."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch
        year, month, day, hour, minute, second, *_ = time.gmtime(max(epoch, _EARLIEST))
        self._date = (year, month, day, hour, minute, second // 2 * 2)  # a zip counts in twos

    @classmethod
    def wanted(cls) -> NormalForm | None:
        """Return the form that the environment asks for; ``None`` if it does not."""
        text = os.environ.get(VARIABLE)
        if text is None:
            return None
        if not (text.isascii() and text.isdecimal()) or int(text) > _LATEST:
            raise SettingsError(
                f"{VARIABLE} must be a whole number of seconds since 1970, before the year 2108, "
                f"not {text!r}; set it to one (`git log -1 --format=%ct`), or unset it."
            )
        return cls(int(text))

    def give(self, path: str) -> None:
        """Bring the finished sdist or wheel *path* into the normal form, whoever has written it."""
        rewrite = self._rewrite_sdist
        if path.endswith(".whl"):
            if self._correct_directory(path):
                return
            rewrite = self._rewrite_wheel
        passing = path + ".new"
        rewrite(path, passing)
        os.replace(passing, path)

    def _rewrite_sdist(self, path: str, passing: str) -> None:
        import gzip
        import tarfile

        with (
            tarfile.open(path, "r|*") as made,
            open(passing, "wb") as file,
            gzip.GzipFile("", "wb", 9, file, 0) as compressed,  # the header is to tell nothing
            tarfile.open(mode="w|", fileobj=compressed, format=tarfile.PAX_FORMAT) as archive,
        ):
            for member in made:
                content = made.extractfile(member) if member.isreg() else None
                member.mtime = self._epoch
                member.uid = member.gid = 0
                member.uname = member.gname = ""
                member.mode = 0o777 if member.issym() else _permissions(member.mode, member.isdir())
                member.pax_headers = {}  # fractions of times, long names: made anew if needed
                archive.addfile(member, content)

    def _correct_directory(self, path: str) -> bool:
        """Tell whether the members of a wheel are normal, and make its directory so if they are."""
        import zipfile

        with zipfile.ZipFile(path, "a") as made:
            for member in made.infolist():
                if member.date_time != self._date or member.extra or member.comment:
                    return False
                _permit(member)
            made.comment = b""  # has the directory written again
        return True

    def _rewrite_wheel(self, path: str, passing: str) -> None:
        import zipfile

        with zipfile.ZipFile(path) as made, zipfile.ZipFile(passing, "w") as wheel:
            for member in made.infolist():
                normal = zipfile.ZipInfo(member.filename, self._date)
                normal.compress_type = member.compress_type
                normal.external_attr = member.external_attr
                _permit(normal)
                wheel.writestr(normal, made.read(member))


def _permit(member: zipfile.ZipInfo) -> None:
    """Make normal what a zip archive records of *member* in its directory alone."""
    mode = member.external_attr >> 16
    kind = stat.S_IFMT(mode) or (stat.S_IFDIR if member.is_dir() else stat.S_IFREG)
    permissions = 0o777 if stat.S_ISLNK(kind) else _permissions(mode, stat.S_ISDIR(kind))
    member.external_attr = (kind | permissions) << 16
    if stat.S_ISDIR(kind):
        member.external_attr |= _MSDOS_DIRECTORY
    member.create_system = _UNIX


def _permissions(mode: int, is_directory: bool) -> int:
    """Return the permissions that git would have for *mode*: the owner's, less the umask."""
    return 0o755 if is_directory or mode & stat.S_IXUSR else 0o644
