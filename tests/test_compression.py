"""An archive that is compressed while its next members are read is one like any other."""

from __future__ import annotations

import errno
import gzip
import io
import os
import tarfile
import threading
from pathlib import Path

import pytest

from isolated_backend.shortcuts.compression import gzipped_tar

LARGE = 40 * (1 << 16)  # more than may wait to be compressed

full_device = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")


def _add(archive: tarfile.TarFile, name: str, size: int, content: bytes | None = None) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    archive.addfile(member, io.BytesIO(os.urandom(size) if content is None else content))


def _write(path: str, *contents: tuple[int, bytes]) -> None:
    with gzipped_tar(path) as archive:
        for size, content in contents:
            _add(archive, "a", size, content)


def _threads() -> list[str]:
    return [each.name for each in threading.enumerate() if "compression" in each.name]


def test_all_members_are_there_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    with gzipped_tar(str(path)) as archive:
        for number in range(50):
            _add(archive, f"{number}", number * 5000)
    with tarfile.open(path) as archive:
        found = [(member.name, member.size) for member in archive]
    assert found == [(f"{number}", number * 5000) for number in range(50)]
    assert not _threads()


def test_where_there_can_be_no_thread_it_goes_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers and ``ulimit -u`` limit them; setuptools needs none."""

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    test_all_members_are_there_in_order(tmp_path)


def test_the_header_tells_name_and_time(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    with gzipped_tar(str(path)) as archive:
        _add(archive, "a", 0)
    header = path.read_bytes()[:16]
    assert gzip.decompress(path.read_bytes())
    assert header[3] == 8  # FNAME (RFC 1952)
    assert header[4:8] != bytes(4)
    assert header[10:16] == b"a.tar\0"


@full_device
@pytest.mark.parametrize("size", [10, LARGE], ids=["when it is closed", "before"])
def test_a_full_disk_is_found(size: int) -> None:
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        _write("/dev/full", (size, os.urandom(size)), (size, os.urandom(size)))
    assert not _threads()


def test_a_member_that_cannot_be_read_ends_it(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="unexpected end of data"):
        _write(str(tmp_path / "a.tar.gz"), (LARGE, bytes(LARGE)), (10, b"short"))
    assert not _threads()
