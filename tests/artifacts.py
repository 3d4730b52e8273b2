"""What is in an artifact, in a form that two artifacts can be compared by."""

from __future__ import annotations

import calendar
import hashlib
import stat
import tarfile
import time
import zipfile
from pathlib import Path


def members(artifact: Path) -> list[tuple[object, ...]]:
    """Return every member of an sdist or wheel: name, type, mode, link and content, in order."""
    if zipfile.is_zipfile(artifact):
        return _wheel_members(artifact)
    return _sdist_members(artifact)


def _sdist_members(artifact: Path) -> list[tuple[object, ...]]:
    with tarfile.open(artifact) as archive:
        return [
            (
                member.name,
                member.type,
                oct(member.mode),
                member.linkname,
                _digest(file.read()) if (file := archive.extractfile(member)) else "",
            )
            for member in archive.getmembers()
        ]


def _wheel_members(artifact: Path) -> list[tuple[object, ...]]:
    with zipfile.ZipFile(artifact) as archive:
        assert archive.testzip() is None
        return [
            (
                info.filename,
                info.compress_type,
                hex(info.external_attr),
                _digest(archive.read(info)),
            )
            for info in archive.infolist()
        ]


def particulars(artifact: Path, began: float) -> list[tuple[str, dict[str, object]]]:
    """Return the name of every member and all that is recorded about it, in order.

    Args:
        artifact: an sdist or a wheel.
        began: when its build began; a later modification time is ``"during the build"``.
    """
    if artifact.name.endswith(".whl"):
        return _particulars_of_wheel(artifact, began)
    return _particulars_of_sdist(artifact, began)


def _particulars_of_sdist(artifact: Path, began: float) -> list[tuple[str, dict[str, object]]]:
    found = []
    with tarfile.open(artifact) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member) if member.isreg() else None
            headers = dict(member.pax_headers)
            facts: dict[str, object] = {**member.get_info(), "headers": headers}
            del facts["chksum"]  # of the header, times included
            facts["content"] = _digest(file.read()) if file else ""
            facts["mode"] = oct(member.mode)
            if member.mtime >= int(began):
                facts["mtime"] = headers["mtime"] = "during the build"
            found.append((member.name, facts))
    return found


def _particulars_of_wheel(artifact: Path, began: float) -> list[tuple[str, dict[str, object]]]:
    found = []
    with zipfile.ZipFile(artifact) as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            moment = calendar.timegm((*info.date_time, 0, 0, 0))
            facts = {
                "type": info.compress_type,
                "mode": hex(info.external_attr),
                "content": _digest(archive.read(info)),
                "mtime": info.date_time if moment < int(began) - 1 else "during the build",
                "comment": info.comment,
                "extra": info.extra,
                "flags": info.flag_bits,
                "system": info.create_system,
            }
            found.append((info.filename, facts))
    return found


def reproducible(
    particulars: list[tuple[str, dict[str, object]]], epoch: int
) -> list[tuple[str, dict[str, object]]]:
    """Return *particulars* of an artifact of setuptools as SOURCE_DATE_EPOCH has us make them.

    Members, order, contents and types stay; times, owners and permissions are those that are
    promised.
    """
    found = []
    for name, facts in particulars:
        mode = int(str(facts["mode"]), 0)
        if "system" in facts:
            date = time.gmtime(max(epoch, calendar.timegm((1980, 1, 1, 0, 0, 0))))
            mode = 0o755 if mode >> 16 & 0o100 else 0o644
            promised: dict[str, object] = {
                "mtime": (*date[:5], date.tm_sec - date.tm_sec % 2),
                "mode": hex((stat.S_IFREG | mode) << 16),
                "comment": b"",
                "extra": b"",
                "system": 3,
            }
        else:
            executable = facts["type"] == tarfile.DIRTYPE or mode & 0o100
            headers = facts["headers"]
            assert isinstance(headers, dict)
            promised = {
                "mtime": float(epoch),
                "mode": oct(0o755 if executable else 0o644),
                "uid": 0,
                "gid": 0,
                "uname": "",
                "gname": "",
                "headers": {key: headers[key] for key in headers if key in ("path", "linkpath")},
            }
        found.append((name, facts | promised))
    return found


def times(artifact: Path) -> dict[str, int]:
    """Return the modification times of the regular files in an sdist."""
    with tarfile.open(artifact) as archive:
        return {member.name: int(member.mtime) for member in archive.getmembers() if member.isreg()}


def text(artifact: Path, name: str) -> str:
    """Return the text of the member whose name ends with *name*."""
    if artifact.name.endswith(".whl"):
        with zipfile.ZipFile(artifact) as wheel:
            (found,) = (entry for entry in wheel.namelist() if entry.endswith(name))
            return wheel.read(found).decode()
    with tarfile.open(artifact) as sdist:
        (found,) = (entry for entry in sdist.getnames() if entry.endswith(name))
        file = sdist.extractfile(found)
        assert file is not None
        return file.read().decode()


def names(artifact: Path) -> list[str]:
    """Return the names of the members."""
    return [str(member[0]) for member in members(artifact)]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
