"""Promise 4: an artifact appears whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import struct
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import filelock
import pytest

from isolated_backend import publish as module
from isolated_backend.errors import BackendError
from isolated_backend.publish import publish

NAME = "demo-1.0.tar.gz"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    made = tmp_path / "shadow" / NAME
    made.parent.mkdir()
    made.write_bytes(b"new" * 1000)
    made.chmod(0o600)
    return made


@pytest.fixture(params=["a file without a name", "no O_TMPFILE", "no /proc"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make publishing take each of its ways."""
    if request.param == "no O_TMPFILE":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    if request.param == "no /proc":
        monkeypatch.setattr(module, "_OPEN_FILES", "/no-proc")
    return str(request.param)


@pytest.fixture(params=[0o022, 0o077], ids="{:03o}".format, autouse=True)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_the_artifact_is_there_with_its_bytes_and_the_permissions_of_a_new_file(
    umask: int, made: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "dist"
    publish(str(made), str(out))
    assert os.listdir(out) == [NAME]
    assert (out / NAME).read_bytes() == b"new" * 1000
    assert stat.S_IMODE((out / NAME).stat().st_mode) == 0o666 & ~umask


def test_an_artifact_of_the_same_name_is_replaced(umask: int, made: Path, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("old")
    (tmp_path / NAME).chmod(0o400)
    publish(str(made), str(tmp_path))
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o666 & ~umask
    assert (tmp_path / NAME).read_bytes() == b"new" * 1000
    assert [path for path in os.listdir(tmp_path) if "isolated" in path] == []


def test_what_was_there_stays_when_the_disk_is_full(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    (tmp_path / NAME).write_text("old")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(BackendError, match=f"Cannot put {NAME} into .*: No space left on device"):
        publish(str(made), str(tmp_path))
    assert (tmp_path / NAME).read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == before


def test_a_directory_that_is_a_file_is_named(made: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackendError, match=f"Cannot put {NAME} into {tmp_path}/file"):
        publish(str(made), str(tmp_path / "file"))


def test_a_hidden_file_that_was_taken_for_abandoned_is_made_again(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another build, in the instant between its creation and the lock on it."""
    removals: list[Path] = []

    def too_late(descriptor: int) -> bool:
        if not removals:
            (hidden,) = tmp_path.glob(f".*{module.SUFFIX}")
            hidden.unlink()
            removals.append(hidden)
        return True

    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    monkeypatch.setattr(module, "try_lock", too_late)
    publish(str(made), str(tmp_path))
    assert removals
    assert (tmp_path / NAME).read_bytes() == b"new" * 1000


@pytest.fixture(params=[NAME, "another-2.tar.gz"])
def abandoned(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f".{request.param}.99999999.isolated-backend-new"
    path.write_text("half")
    return path


def test_what_a_killed_build_left_is_removed(abandoned: Path, made: Path, tmp_path: Path) -> None:
    publish(str(made), str(tmp_path))
    assert not abandoned.exists()


def test_what_a_living_build_is_writing_is_left_alone(
    abandoned: Path, made: Path, tmp_path: Path
) -> None:
    descriptor = os.open(abandoned, os.O_RDWR)
    try:
        assert filelock.lock_descriptor(descriptor, blocking=False)
        publish(str(made), str(tmp_path))
        assert abandoned.exists()
    finally:
        os.close(descriptor)


def test_a_directory_that_refuses_modes_takes_the_artifact(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As vfat and some mounts do; setuptools does not even ask."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    for name in ("chmod", "fchmod"):
        monkeypatch.setattr(os, name, refuse)
    publish(str(made), str(tmp_path))
    assert (tmp_path / NAME).read_bytes() == b"new" * 1000


def test_the_access_list_for_new_files_of_a_directory_is_inherited(
    made: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    entries = [(0x01, 7, -1), (0x02, 6, 12345), (0x04, 5, -1), (0x10, 7, -1), (0x20, 0, -1)]
    default = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    try:
        os.setxattr(out, "system.posix_acl_default", default)
    except OSError:
        pytest.skip("no access lists on this file system")
    for _ in range(2):  # also in the place of another
        publish(str(made), str(out))
        assert struct.pack("<HHi", 0x02, 6, 12345) in os.getxattr(
            out / NAME, "system.posix_acl_access"
        )
        assert os.listdir(out) == [NAME]


def test_builds_with_one_process_number_do_not_meet(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those in two containers may have it."""
    names: set[str] = set()
    replace = os.replace

    def note(source: str, target: str) -> None:
        names.add(source)
        replace(source, target)

    monkeypatch.setattr(os, "getpid", lambda: 1)
    monkeypatch.setattr(os, "replace", note)
    for _ in range(100):
        publish(str(made), str(tmp_path))
    assert len(names) == 100


def test_no_open_file_is_renamed_or_removed(
    abandoned: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses that."""
    replace, unlink = os.replace, os.unlink

    def look(path: str) -> None:
        descriptors = Path("/proc/self/fd")
        links = {os.readlink(each) for each in descriptors.iterdir() if each.is_symlink()}
        assert str(path) not in links

    def look_and_replace(source: str, target: str) -> None:
        look(source)
        replace(source, target)

    def look_and_unlink(path: str) -> None:
        look(path)
        unlink(path)

    monkeypatch.setattr(os, "replace", look_and_replace)
    monkeypatch.setattr(os, "unlink", look_and_unlink)
    publish(str(made), str(tmp_path))
    assert not abandoned.exists()


def test_the_group_of_a_shared_directory_is_inherited(made: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o2775)
    if os.getuid() == 0:
        os.chown(shared, -1, 12345)
        shared.chmod(0o2775)
    publish(str(made), str(shared))
    assert (shared / NAME).stat().st_gid == shared.stat().st_gid


def test_a_kill_while_copying_leaves_at_most_what_the_next_build_removes(
    way: str, made: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    script = f"""
        import os, shutil, signal
        from isolated_backend.publish import publish
        def die_in_the_middle(source, copy, length=0):
            copy.write(source.read(100))
            copy.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        shutil.copyfileobj = die_in_the_middle
        if {way == "no O_TMPFILE"}:
            vars(os).pop("O_TMPFILE", None)
        publish({str(made)!r}, {str(out)!r})
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert killed.returncode == -9
    left = os.listdir(out)
    assert len(left) == (way == "no O_TMPFILE" or not hasattr(os, "O_TMPFILE"))
    assert all(name.startswith(".") for name in left)
    publish(str(made), str(out))
    assert os.listdir(out) == [NAME]
