"""What one hook leaves for the next, what it finds out at its end, and whose locks it is in."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from isolated_backend.errors import BuildAgainError, TreeLockError
from isolated_backend.shadow.temporary import directory_of, home, temporary_directory
from isolated_backend.writers import access as module
from isolated_backend.writers import holders, nested, silent, treelock
from isolated_backend.writers.access import Access
from isolated_backend.writers.locks import Locks
from isolated_backend.writers.mark import Mark
from isolated_backend.writers.treelock import open_lock

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells who holds a lock")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a root, which is the current directory, as in a hook."""
    root = tmp_path / "m" / "root"
    root.mkdir(parents=True)
    (root / "pyproject.toml").touch()
    monkeypatch.chdir(root)
    return root


def access(root: Path, mode: str = "auto", **kwargs: Any) -> Any:
    timeout = kwargs.pop("timeout", 0)
    return Access(str(root), mode, timeout=timeout, hook="hook", **kwargs).granted()


def hook(root: Path, *steps: Callable[[], object]) -> None:
    """Run a hook that takes these steps."""
    with access(root):
        for step in steps:
            step()


def write(name: str = "new") -> None:
    Path(name).write_text("")


def is_taken(tree: Path, *, for_reading: bool = False) -> bool:
    """Tell whether somebody has the lock of *tree*, so that nobody can have it for this."""
    lock = open_lock(str(tree))
    try:
        return not (lock.try_read() if for_reading else lock.try_write())
    finally:
        lock.close()


# --- the mark -----------------------------------------------------------------------------------


def test_after_a_write_the_next_hook_is_a_writer_from_the_start(root: Path) -> None:
    with access(root):
        assert not is_taken(root, for_reading=True)
        write()
    with access(root):
        assert is_taken(root, for_reading=True)
        write()
    with access(root):
        assert is_taken(root, for_reading=True)


def test_after_a_hook_without_a_write_the_next_is_a_reader_again(root: Path) -> None:
    with access(root):
        write()
    with access(root):
        pass
    with access(root):
        assert not is_taken(root, for_reading=True)


def test_what_a_forked_process_writes_keeps_the_mark(root: Path) -> None:
    for _ in range(2):
        with access(root):
            if os.fork() == 0:
                write()
                os._exit(0)
            os.wait()
    with access(root):
        assert is_taken(root, for_reading=True)


def test_the_mark_is_one_hooks_alone(root: Path) -> None:
    with access(root):
        write()
    with Access(str(root), "auto", timeout=0, hook="another").granted():
        assert not is_taken(root, for_reading=True)


def test_in_a_directory_that_others_can_change_there_is_no_mark(root: Path) -> None:
    os.mkdir(home(os.environ["TMPDIR"]))
    os.chmod(home(os.environ["TMPDIR"]), 0o777)
    mark = Mark(str(root), "hook")
    assert not mark.leave({})
    assert mark.read() is None


# --- trees around the root ----------------------------------------------------------------------


def test_what_is_written_outside_of_the_root_is_locked_there(root: Path) -> None:
    with access(root):
        Path("../shared").mkdir()
        assert is_taken(root.parent, for_reading=True)
        assert not is_taken(root, for_reading=True)


def test_what_is_read_outside_of_the_root_is_locked_for_reading(root: Path) -> None:
    Path("../file").touch()
    with access(root):
        Path("../file").read_text()
        assert is_taken(root.parent)
        assert not is_taken(root.parent, for_reading=True)


def test_a_project_of_its_own_outside_has_its_own_lock(root: Path) -> None:
    other = root.parent / "other"
    (other / "deep").mkdir(parents=True)
    (other / "pyproject.toml").touch()
    with access(root):
        Path("../other/deep/new").touch()
        assert is_taken(other, for_reading=True)
        assert not is_taken(root.parent, for_reading=True)


def test_the_next_hook_takes_the_trees_around_from_the_start(root: Path) -> None:
    Path("../file").touch()
    with access(root):
        Path("../file").read_text()
        write()
    with access(root):
        assert is_taken(root.parent)
        assert not is_taken(root.parent, for_reading=True)


def test_who_has_written_does_not_wait_for_another_tree_but_begins_again(root: Path) -> None:
    """It cannot let go of what it has half-written, and who waits must hold nothing."""
    other = open_lock(str(root.parent))
    assert other.try_read()

    def write_around() -> None:
        with suppress(BuildAgainError):  # and the project's code goes on
            write("../new")
        other.close()

    with pytest.raises(BuildAgainError):
        hook(root, write, write_around)
    with access(root):
        assert is_taken(root.parent, for_reading=True)


def test_who_waits_holds_nothing(root: Path) -> None:
    other = open_lock(str(root.parent))
    assert other.try_write()
    waiting = Locks(timeout=0)
    assert waiting.try_take({str(root): False})
    assert not waiting.try_take({str(root.parent): False})
    with pytest.raises(TreeLockError, match="to read in"):
        waiting.take({str(root.parent): False}, "to read")
    assert not is_taken(root)
    waiting.close()
    other.close()


# --- a refusal that is hidden -------------------------------------------------------------------


def test_a_project_cannot_hide_that_it_was_not_let_in(root: Path) -> None:
    other = open_lock(str(root))
    assert other.try_read()

    def go_on() -> None:
        with suppress(TreeLockError):
            write()

    def say_something_else() -> None:
        go_on()
        raise SystemExit("it is something else")

    for step in (go_on, say_something_else):
        with pytest.raises(TreeLockError, match=r"to write \(new\)"):
            hook(root, step)
    other.close()


def test_nor_can_a_forked_process(root: Path) -> None:
    other = open_lock(str(root))
    assert other.try_read()

    def fork() -> None:
        if os.fork() == 0:
            with suppress(TreeLockError):
                write()
            os._exit(0)
        os.wait()

    with pytest.raises(BuildAgainError):
        hook(root, fork)
    other.close()


def test_a_failure_of_the_projects_own_stays(root: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        hook(root, write, lambda: 1 // 0)


# --- a look at the tree -------------------------------------------------------------------------


@pytest.fixture
def write_unseen(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Return what writes a file as an extension module does, by itself."""
    monkeypatch.setattr(module, "blind_spot", str)
    writer = subprocess.Popen(
        [
            sys.executable,
            "-uc",
            "import sys\nfor name in sys.stdin: print(open(name.strip(), 'a'))",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def unseen(name: str) -> None:
        assert writer.stdin
        assert writer.stdout
        sys.audit("import", "foreign", "/somewhere/foreign.so", None, None, None)
        writer.stdin.write(f"{name}\n")
        writer.stdin.flush()
        writer.stdout.readline()

    yield unseen
    writer.communicate()


def test_who_has_written_unseen_begins_again(
    root: Path, write_unseen: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BuildAgainError):
        hook(root, lambda: write_unseen("new.py"))
    assert "new.py was written unseen, perhaps by /somewhere/foreign.so" in capfd.readouterr().err
    with access(root):
        assert is_taken(root, for_reading=True)
        write_unseen("newer.py")  # now nobody is there to read it
    with access(root):
        assert is_taken(root, for_reading=True)
        write_unseen(".hidden")
    with access(root):
        assert not is_taken(root, for_reading=True)


def test_who_writes_unseen_and_then_seen_begins_again(
    root: Path, write_unseen: Callable[[str], None]
) -> None:
    with pytest.raises(BuildAgainError):
        hook(root, lambda: write_unseen("new.py"), write)


@pytest.mark.parametrize("name", [".git/x", "build/x", "dist/x.whl", "x.log", "__pycache__/x.pyc"])
def test_what_others_write_beside_a_build_is_not_looked_at(
    name: str, root: Path, write_unseen: Callable[[str], None]
) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    with access(root):
        write_unseen(name)


def test_what_is_written_into_a_directory_of_the_builds_own_is_not_looked_at(
    root: Path, write_unseen: Callable[[str], None]
) -> None:
    """A TMPDIR in the root, for one, in which other builds work."""
    own = root / "tmp"
    own.mkdir()
    with access(root, own=[str(own)]):
        write_unseen("tmp/x.py")
    with pytest.raises(BuildAgainError):
        hook(root, lambda: write_unseen("tmp/y.py"))


def test_a_database_is_written_unseen(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the standard library's own extension module."""
    monkeypatch.setattr(module, "blind_spot", str)

    def write_rows() -> None:
        database = sqlite3.connect(root / "rows.db")
        database.execute("create table rows (number)")
        database.commit()
        database.close()

    with pytest.raises(BuildAgainError):
        hook(root, write_rows)


@pytest.mark.parametrize("way", ["..", "a link"])
def test_a_path_through_a_slot_may_lead_into_the_tree(way: str, root: Path, tmp_path: Path) -> None:
    own = tmp_path / "slot"
    own.mkdir()
    path = os.path.join(own, os.path.relpath(root / "new", own))
    if way == "a link":
        (own / "linked").symlink_to(root)
        path = os.path.join(own, "linked", "new")
    with access(root, own=[str(own)]):
        write(os.path.join(own, "mine"))
        assert not is_taken(root, for_reading=True)
        write(path)
        assert is_taken(root, for_reading=True)


@pytest.mark.skipif(os.name != "posix", reason="it calls libc")
def test_where_few_events_tell_of_a_write_each_hook_looks_at_its_tree(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(silent, "IS_PYPY", True)
    with access(root):
        assert not is_taken(root, for_reading=True)  # and makes nobody wait
    libc = ctypes.CDLL(None)
    with pytest.raises(BuildAgainError):
        hook(root, lambda: os.close(libc.creat(b"new.py", 0o600)))
    message = "new.py was written unseen, perhaps by something that PyPy has no event for"
    assert message in capfd.readouterr().err


def test_modules_of_the_standard_library_are_no_reason_to_look(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "blind_spot", str)
    monkeypatch.setattr(module, "look", lambda *_: pytest.fail("it looked"))
    with access(root):
        sys.audit("import", "zlib", "/lib/python3/lib-dynload/zlib.so", None, None, None)
        sys.audit("import", "json", None, None, None, None)
        sys.audit("ctypes.dlopen", None)


def test_a_forked_process_that_may_write_unseen_is_a_writer(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not come to the end, where it could look again."""
    monkeypatch.setattr(module, "blind_spot", str)
    with access(root):
        if os.fork() == 0:
            sys.audit("ctypes.dlopen", "libforeign.so")
            os._exit(0)
        os.wait()
        assert is_taken(root, for_reading=True)


# --- file systems -------------------------------------------------------------------------------


def test_without_any_lock_there_is_no_writing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    hook(root, lambda: Path("pyproject.toml").read_text())
    with pytest.raises(TreeLockError, match="There is no lock that keeps other builds"):
        hook(root, write)
    assert not Path("new").exists()


def test_where_the_kernel_has_no_lock_the_users_own_file_has(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(tree: str, **_: object) -> int:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(treelock, "opened", none)
    with access(root):
        write()
        assert is_taken(root, for_reading=True)
    directory = directory_of(str(root), temporary_directory())
    assert os.path.exists(os.path.join(directory, "tree.lock"))


def test_the_users_own_file_is_not_where_others_can_put_theirs(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Path(home(os.environ["TMPDIR"]))
    place.mkdir()
    place.chmod(0o777)
    lock = open_lock(str(root), inner=True)
    assert lock.descriptor is None
    assert list(place.iterdir()) == []


# --- who has started this build -----------------------------------------------------------------


HOLDER = """
import fcntl, os, subprocess, sys
descriptor = os.open("pyproject.toml", os.O_RDONLY)
fcntl.flock(descriptor, getattr(fcntl, sys.argv[1]))
sys.exit(subprocess.call([sys.executable, "-c", sys.argv[2]]))
"""

BUILD = """
from isolated_backend.writers.access import Access
with Access(".", "auto", timeout=5, hook="inner").granted():
    open("new", "w").close()
"""


@needs_proc
def test_who_has_started_this_build_may_hold_its_tree(root: Path) -> None:
    """``flock pyproject.toml python -m build``."""
    command = [sys.executable, "-c", HOLDER, "LOCK_EX", BUILD.replace('"."', repr(str(root)))]
    assert subprocess.run(command, check=False).returncode == 0
    assert Path("new").exists()


@needs_proc
def test_but_not_for_reading(root: Path) -> None:
    command = [sys.executable, "-c", HOLDER, "LOCK_SH", BUILD.replace('"."', repr(str(root)))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "was started by a process that has locked" in done.stderr
    assert not Path("new").exists()


@needs_proc
def test_a_hook_of_this_process_is_no_such_process(root: Path) -> None:
    """A frontend may have hooks of one project in several threads."""
    other = open_lock(str(root))
    assert other.try_write()
    lock = open_lock(str(root))
    assert holders.locked_around(lock.descriptor) is None
    lock.close()
    other.close()


@needs_proc
def test_an_inode_of_another_device_is_another_file(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = open_lock(str(root))
    assert lock.descriptor is not None
    assert holders.holders(lock.descriptor)
    major = os.major
    monkeypatch.setattr(os, "major", lambda device: major(device) + 1)
    assert holders.holders(lock.descriptor) == {}
    lock.close()


@needs_proc
def test_a_process_that_is_no_ancestor_is_no_parent(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon keeps the variable, and the number may be another process's by now."""
    sibling = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    monkeypatch.setenv(nested.VARIABLE, f"{sibling.pid}:{root}")
    assert not nested.is_nested(str(root))
    monkeypatch.setenv(nested.VARIABLE, f"{os.getppid()}:{root}")
    assert nested.is_nested(str(root))
    sibling.communicate()
