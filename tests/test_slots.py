"""Leasing a directory for one hook call."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest

from isolated_backend.errors import ShadowError
from isolated_backend.shadow import slots
from isolated_backend.shadow import temporary as temporary_files
from isolated_backend.shadow.lock import try_lock

ROOT = "/some/project"


def temporary() -> Path:
    return Path(os.environ["TMPDIR"])


def lease(root: str = ROOT, *, keep: bool = False) -> AbstractContextManager[str]:
    return slots.lease(root, str(temporary()), keep=keep)


def directory_of(root: str) -> str:
    return temporary_files.directory_of(root, str(temporary()))


def test_a_lone_build_always_gets_slot_0() -> None:
    for _ in range(3):
        with lease() as place:
            assert Path(place).name == "0"
            assert os.listdir(place) == []
            Path(place, "left").touch()


def test_simultaneous_builds_get_the_lowest_free_slots() -> None:
    with lease() as first:
        with lease() as second, lease() as third:
            assert [Path(place).name for place in (first, second, third)] == ["0", "1", "2"]
        with lease() as again:
            assert again == second
        with lease("/other/project") as other:
            assert Path(other).name == "0"
            assert Path(other).parent != Path(first).parent


def test_two_roots_of_one_name_do_not_share_slots(tmp_path: Path) -> None:
    assert directory_of("/a/project") != directory_of("/b/project")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert directory_of(str(tmp_path / "link")) == directory_of(str(tmp_path / "real"))


def test_nothing_but_empty_lock_files_is_left() -> None:
    with lease() as place:
        nested = Path(place, "a", "b")
        nested.mkdir(parents=True)
        (nested / "read-only").touch()
        nested.chmod(0o500)
    left = [path for path in temporary().rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["0.lock"]
    assert not Path(place).exists()


def test_a_slot_of_a_killed_build_is_wiped_and_used_again() -> None:
    script = f"""
        import os, signal
        from isolated_backend.shadow import slots, temporary as temporary_files
        with slots.lease({ROOT!r}, os.environ["TMPDIR"]) as place:
            os.makedirs(os.path.join(place, "build", "lib"))
            print(place, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    place = killed.stdout.strip()
    assert os.listdir(place) == ["build"]
    with lease() as again:
        assert again == place
        assert os.listdir(again) == []


def test_a_kept_slot_is_not_leased_again() -> None:
    with lease(keep=True) as kept:
        Path(kept, "evidence").touch()
    with lease() as other:
        assert other != kept
    assert os.listdir(kept) == ["evidence"]


def test_a_forked_child_does_not_give_back_its_parents_slot() -> None:
    with lease() as place:
        slot = lease()
        inner = slot.__enter__()
        Path(inner, "parents").touch()
        child = os.fork()
        if child == 0:  # a child of setup.py that leaves through the hook's frames
            slot.__exit__(None, None, None)
            os._exit(0)
        os.waitpid(child, 0)
        assert os.listdir(inner) == ["parents"]
        with lease() as third:
            assert third not in (place, inner)
        slot.__exit__(None, None, None)
        assert not os.path.exists(inner)


def test_only_this_user_can_look_into_the_slots() -> None:
    with lease() as place:
        for path in (Path(temporary_files.home(str(temporary()))), Path(place)):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.parametrize("attack", ["open to all", "symlink", "file", "other user"])
def test_a_directory_that_is_not_ours_alone_is_refused(
    attack: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(temporary_files.home(str(temporary())))
    if attack == "open to all":
        home.mkdir()
        home.chmod(0o777)
    elif attack == "symlink":
        (tmp_path / "theirs").mkdir(mode=0o700)
        home.symlink_to(tmp_path / "theirs")
    elif attack == "file":
        home.touch()
    else:
        home.mkdir(mode=0o700)
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with lease() as place:
        assert not place.startswith(str(home) + os.sep)
        assert Path(place).parent == temporary()
        assert stat.S_IMODE(os.stat(place).st_mode) == 0o700
    assert not os.path.exists(place)
    assert str(home) in capsys.readouterr().err


def test_a_private_directory_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(temporary_files.home(str(temporary()))).touch()
    with lease(keep=True) as place:
        pass
    assert os.path.isdir(place)


def test_a_file_system_without_locks_gives_a_private_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_locks(descriptor: int) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(slots, "try_lock", no_locks)
    with lease() as first, lease() as second:
        assert first != second
        assert Path(first).parent == temporary()


def test_a_slot_that_cannot_be_wiped_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with lease() as place:
        pass
    os.mkdir(place)
    monkeypatch.setattr(slots, "remove", lambda path: None)
    with lease() as other:
        assert Path(other).name == "1"


def test_a_full_disk_leaves_no_descriptor_open(monkeypatch: pytest.MonkeyPatch) -> None:
    with lease():
        pass
    before = len(os.listdir("/proc/self/fd"))
    real = os.mkdir

    def full(path: str, mode: int = 0o777) -> None:
        if path.endswith("/0"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, mode)

    monkeypatch.setattr(os, "mkdir", full)
    with pytest.raises(ShadowError, match="No space left"):
        lease().__enter__()
    assert len(os.listdir("/proc/self/fd")) == before


# --- cleaners of temporary files, and processes that live on ------------------------------------


def clean(what: str, place: str) -> None:
    """Remove what a cleaner of temporary files may remove of the slot *place*."""
    if what in ("slot", "slot and lock"):
        shutil.rmtree(place)
    if what in ("lock file", "slot and lock"):
        Path(place + slots.LOCK).unlink()
    if what == "project's directory":
        shutil.rmtree(os.path.dirname(place))
    if what == "all":
        shutil.rmtree(temporary_files.home(str(temporary())))


CLEANED = ["lock file", "slot", "slot and lock", "project's directory", "all"]


@pytest.mark.parametrize("what", CLEANED)
def test_a_cleaner_does_not_give_a_slot_in_use_to_another_build(what: str) -> None:
    with lease() as place:
        clean(what, place)
        with lease() as other, lease() as third:
            assert len({place, other, third}) == 3
    with lease() as again:
        assert again == place


def test_without_claims_the_directory_itself_is_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "_claim", lambda path, locks: True)
    with lease() as place:
        Path(place + slots.LOCK).unlink()
        with lease() as other:
            assert other != place


@pytest.mark.parametrize("what", ["lock file", "directory"])
def test_a_cleaner_between_two_instants_of_a_lease_is_noticed(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock file goes when it has been opened, and before it is locked."""
    with lease() as place:
        pass
    cleaned: list[str] = []

    def clean_first(descriptor: int) -> bool:
        if not cleaned:
            cleaned.append(what)
            Path(place + slots.LOCK).unlink()
            if what == "directory":
                os.rmdir(os.path.dirname(place))
        return try_lock(descriptor)

    monkeypatch.setattr(slots, "try_lock", clean_first)
    with lease() as first, lease() as second:
        assert cleaned == [what]
        assert first == place != second


def test_a_slot_is_not_used_while_a_process_of_a_killed_build_lives() -> None:
    """A compiler lives on, and would write its object into the slot of the next build."""
    reading, writing = os.pipe()
    script = f"""
        import os, signal, subprocess, sys
        from isolated_backend.shadow import slots
        with slots.lease({ROOT!r}, os.environ["TMPDIR"]) as place:
            none = subprocess.DEVNULL
            command = [sys.executable, "-c", "input()"]
            compiler = subprocess.Popen(command, stdin={reading}, stdout=none, stderr=none)
            print(place, compiler.pid, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    with open(reading), open(writing, "w") as compiled:
        killed = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[reading],
            check=False,
        )
        place, compiler = killed.stdout.split()
        with lease() as other:
            assert other != place
            assert os.path.isdir(place)
        compiled.write("\n")
        compiled.flush()
        while _lives(int(compiler)):
            time.sleep(0.01)
    with lease() as again:
        assert again == place


def _lives(pid: int) -> bool:
    with suppress(FileNotFoundError):
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def test_the_environment_of_the_caller_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for before in (None, "outer"):
        if before:
            monkeypatch.setenv("ISOLATED_BACKEND_SLOT", before)
        with lease() as place:
            assert os.environ["ISOLATED_BACKEND_SLOT"] == place
        assert os.environ.get("ISOLATED_BACKEND_SLOT") == before


# --- homes that are not as they should be -------------------------------------------------------


@pytest.mark.parametrize("umask", [0o277, 0o777, 0o000])
def test_the_umask_does_not_matter(umask: int) -> None:
    before = os.umask(umask)
    try:
        with lease() as first, lease() as second:
            assert [Path(place).name for place in (first, second)] == ["0", "1"]
            assert stat.S_IMODE(os.stat(first).st_mode) == 0o700
    finally:
        os.umask(before)


@pytest.mark.parametrize("mode", [0o755, 0o500, 0o000])
def test_a_home_of_ours_that_nobody_else_can_write_is_put_right(mode: int) -> None:
    home = Path(temporary_files.home(str(temporary())))
    home.mkdir()
    home.chmod(mode)
    with lease() as place:
        assert Path(place).name == "0"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_home_that_cannot_be_written_means_a_private_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Under fakeroot, the superuser's home looks like one's own."""
    real = os.mkdir

    def refuse(path: str, mode: int = 0o777) -> None:
        if f"{temporary_files.PREFIX}{os.getuid()}/" in path:
            raise PermissionError(errno.EACCES, "Permission denied")
        real(path, mode)

    monkeypatch.setattr(os, "mkdir", refuse)
    with lease() as place:
        assert Path(place).parent == temporary()


def test_private_directories_of_killed_builds_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(temporary_files.home(str(temporary()))).touch()
    left = Path(temporary_files.private_prefix() + "left")
    (temporary() / left).mkdir()
    with lease(keep=True) as kept, lease() as used:
        assert not (temporary() / left).exists()
        assert slots.remove_abandoned(str(temporary())) == []
        assert os.path.isdir(used)
    with lease():
        assert os.path.isdir(kept)


def test_the_current_directory_is_not_taken_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ShadowError, match="No directory for temporary files can be written"):
        temporary_files.temporary_directory()


@pytest.mark.parametrize("variable", ["TMPDIR", "TEMP", "TMP"])
def test_a_temporary_directory_that_does_not_exist_is_named(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setenv(variable, "/nowhere/at/all")
    with pytest.raises(ShadowError, match=f"{variable}=/nowhere/at/all is not a directory"):
        temporary_files.temporary_directory()


def test_a_temporary_directory_that_cannot_be_written_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(ShadowError, match=r"TMPDIR=.* is not a directory that can be written"):
        temporary_files.temporary_directory()


def test_without_variables_it_is_pythons_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(variable, raising=False)
    assert os.path.isdir(temporary_files.temporary_directory())


def test_a_directory_that_cannot_be_made_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: str, mode: int = 0o777) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "mkdir", full)
    with pytest.raises(ShadowError, match=r"below .*temporary: No space left on device"):
        lease().__enter__()


def test_any_name_of_a_root_makes_a_name_of_a_directory() -> None:
    for name in ("with space", "äöü", "x" * 255, "-", "a.b"):
        found = Path(directory_of(f"/roots/{name}")).name
        assert found.isascii()
        assert len(found) < 60
        assert " " not in found
    assert Path(directory_of("/")).name.startswith("root-")
