"""Readers and the writer of one source tree."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from isolated_backend.errors import SettingsError, TreeLockError
from isolated_backend.settings import IN_TREE_WRITES
from isolated_backend.writers import nested, treelock, watch, writelog
from isolated_backend.writers.access import Access
from isolated_backend.writers.treelock import announce, is_announced


@pytest.fixture(params=["pyproject.toml", "a directory", "a file of the user's"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a root; each test runs with each kind of lock."""
    root = tmp_path / "root"
    root.mkdir()
    if request.param == "pyproject.toml":
        (root / "pyproject.toml").touch()
    if request.param == "a file of the user's":
        monkeypatch.setattr(treelock, "opened", no_locks)
    return root


def no_locks(tree: str, **_: object) -> int:
    raise OSError(errno.ENOLCK, "No locks available")


def access(root: Path, mode: str = "auto", *, timeout: float = 30, **kwargs: Any) -> Any:
    return Access(str(root), mode, timeout=timeout, **kwargs).granted()


@contextmanager
def unwatched() -> Iterator[None]:
    """Start a process that the hook of this test knows nothing of."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(watch, "_watches", ())
        yield


class Other:
    """Another process that holds the tree; it says when, and lets go when it is told."""

    def __init__(self, root: Path, *, write: bool) -> None:
        script = f"""
            import sys
            from isolated_backend.writers import treelock
            from isolated_backend.writers.access import Access
            if {treelock.opened is no_locks}:
                treelock.opened = lambda tree, **_: treelock._opened_elsewhere(tree)
            with Access({str(root)!r}, "auto", timeout=30, hook="other").granted():
                print("reads", flush=True)
                if {write}:
                    open({str(root / "by-other")!r}, "w").close()
                    print("writes", flush=True)
                sys.stdin.readline()
            print("done", flush=True)
        """
        with unwatched():
            self.process = subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )

    def says(self) -> str:
        """Return the next word of the process."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def let_go(self) -> None:
        """Let the process end."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write("\n")
            self.process.stdin.flush()


@pytest.fixture
def other(root: Path) -> Iterator[Callable[..., Other]]:
    started: list[Other] = []

    def start(*, write: bool = False) -> Other:
        started.append(Other(root, write=write))
        return started[-1]

    yield start
    for process in started:
        process.let_go()
        process.process.communicate()


def test_readers_never_wait_for_each_other(root: Path, other: Callable[..., Other]) -> None:
    others = [other() for _ in range(3)]
    assert [process.says() for process in others] == ["reads"] * 3
    with access(root, timeout=0):
        (root / "pyproject.toml").exists()
        list(root.iterdir())


def test_a_new_hook_waits_for_a_writer_at_work(root: Path, other: Callable[..., Other]) -> None:
    writer = other(write=True)
    assert [writer.says(), writer.says()] == ["reads", "writes"]
    with (
        pytest.raises(TreeLockError, match=r"Waited 0 s for .* to begin in"),
        access(root, timeout=0),
    ):
        pass
    writer.let_go()
    assert writer.says() == "done"
    with access(root, timeout=0):
        pass


def test_a_writer_waits_for_the_readers(root: Path, other: Callable[..., Other]) -> None:
    """The hole of an exclusive lock: who only reads sees nothing change under it."""
    writer = None
    with access(root, timeout=0):
        writer = other(write=True)
        assert writer.says() == "reads"
        assert not (root / "by-other").exists()
    assert writer.says() == "writes"


@pytest.mark.skipif(sys.platform != "linux", reason="needs locks of open file descriptions")
def test_a_stream_of_readers_does_not_keep_a_writer_waiting(
    root: Path, other: Callable[..., Other]
) -> None:
    with access(root):
        writer = other(write=True)
        assert writer.says() == "reads"
        descriptor = lock_file(root)
        while not is_announced(descriptor):
            pass
        os.close(descriptor)
        late = other()
        with pytest.raises(subprocess.TimeoutExpired):
            late.process.wait(0.5)
    assert writer.says() == "writes"
    writer.let_go()
    assert late.says() == "reads"


@pytest.mark.skipif(sys.platform != "linux", reason="needs locks of open file descriptions")
def test_an_announcement_does_not_outlive_its_hook(tmp_path: Path) -> None:
    """A daemon that setup.py has forked keeps a copy of the descriptor."""
    lock = treelock.open_lock(str(tmp_path))
    descriptor = os.open(tmp_path, os.O_RDONLY)
    assert lock.descriptor is not None
    announce(lock.descriptor)
    copy = os.dup(lock.descriptor)
    assert is_announced(descriptor)
    lock.close()
    assert not is_announced(descriptor)
    os.close(copy)
    os.close(descriptor)


def lock_file(root: Path) -> int:
    elsewhere = treelock.opened is no_locks
    return treelock._opened_elsewhere(str(root)) if elsewhere else treelock.opened(str(root))


def test_where_nothing_can_be_announced_nothing_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_here(*args: object) -> bytes:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(fcntl, "fcntl", not_here)
    announce(0)
    assert not is_announced(0)


def test_the_first_write_makes_a_writer_once(root: Path, other: Callable[..., Other]) -> None:
    with access(root):
        (root / "first").touch()
        (root / "second").touch()
        reader = other()
    assert reader.says() == "reads"


def test_a_write_that_cannot_be_has_not_happened(root: Path, other: Callable[..., Other]) -> None:
    assert other().says() == "reads"
    with pytest.raises(TreeLockError, match=r"to write \(mine\)"), access(root, timeout=0):
        (root / "mine").touch()
    assert not (root / "mine").exists()


def test_two_that_become_writers_at_once_do_not_wait_for_each_other(
    root: Path, other: Callable[..., Other]
) -> None:
    """The upgrade deadlock: both read, and each waits for the other to stop reading."""
    with access(root):
        writer = other(write=True)
        assert writer.says() == "reads"  # both read now
        writer.let_go()
        (root / "mine").touch()
    assert [writer.says(), writer.says()] == ["writes", "done"]
    assert (root / "mine").exists()


def test_in_tree_writes_lock_writes_from_the_start(root: Path, other: Callable[..., Other]) -> None:
    with access(root, "lock", timeout=0):
        reader = other()
        with pytest.raises(subprocess.TimeoutExpired):
            reader.process.wait(0.5)
    assert reader.says() == "reads"


def test_in_tree_writes_allow_never_locks(root: Path, other: Callable[..., Other]) -> None:
    writer = other(write=True)
    assert [writer.says(), writer.says()] == ["reads", "writes"]
    with access(root, "allow", timeout=0):
        (root / "mine").touch()


def test_a_killed_writer_is_not_waited_for(root: Path, other: Callable[..., Other]) -> None:
    writer = other(write=True)
    assert [writer.says(), writer.says()] == ["reads", "writes"]
    writer.process.kill()
    writer.process.wait()
    with access(root):
        (root / "mine").touch()


def test_who_waits_says_for_whom_and_why(
    root: Path, other: Callable[..., Other], capfd: pytest.CaptureFixture[str]
) -> None:
    writer = other(write=True)
    assert [writer.says(), writer.says()] == ["reads", "writes"]
    with pytest.raises(TreeLockError) as error, access(root, timeout=0.3):
        pass
    told = capfd.readouterr().err
    assert "isolated-backend: waiting for " in told
    assert f"to begin in {root}" in told
    assert "increase `lock-timeout`" in str(error.value)
    if os.path.exists("/proc/locks"):
        assert f"process {writer.process.pid} ({sys.executable} -c" in told


def test_a_child_of_a_hook_knows_that_it_is_nested(root: Path) -> None:
    command = [
        sys.executable,
        "-c",
        f"from isolated_backend.writers import nested; print(nested.is_nested({str(root)!r}))",
    ]
    with access(root):
        assert subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout == b"True\n"
        assert nested.is_nested(str(root))  # in this very process, too
    assert subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout == b"False\n"
    assert nested.VARIABLE not in os.environ


@pytest.mark.parametrize("marker", ["", "nonsense", "1:/other", "{dead}:{root}", "x:{root}"])
def test_a_marker_of_no_living_parent_does_not_count(
    marker: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    monkeypatch.setenv(nested.VARIABLE, marker.format(dead=dead.pid, root=root))
    assert not nested.is_nested(str(root))


def test_several_threads_of_one_hook_may_begin_to_write(root: Path) -> None:
    barrier = threading.Barrier(4)

    def write(name: str) -> None:
        barrier.wait()
        (root / name).touch()

    with access(root):
        threads = [threading.Thread(target=write, args=[str(number)]) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len([path for path in root.iterdir() if path.name.isdigit()]) == 4


def test_a_forked_child_goes_on_in_what_its_parent_holds(root: Path) -> None:
    with access(root):
        child = os.fork()
        if child == 0:
            (root / "by-child").touch()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        (root / "by-parent").touch()
    assert (root / "by-child").exists()


@pytest.mark.parametrize("writes", IN_TREE_WRITES)
def test_the_log_has_each_write_into_the_tree(
    writes: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    log.write_text("of an earlier hook\n")
    monkeypatch.setenv(writelog.VARIABLE, str(log))
    with access(root, writes, own=[str(root / "own")]):
        (root / "own").mkdir()
        (root / "own" / "file").touch()
        (root / "\udcff").touch()  # a name that is not UTF-8
        child = os.fork()
        if child == 0:
            (root / "by-fork").touch()
            os._exit(0)
        os.waitpid(child, 0)
        subprocess.run([sys.executable, "-c", ""], cwd=root, check=True)
    (root / "later").touch()
    names = [name for name in log.read_bytes().splitlines() if b".coverage." not in name]
    program = f"//program {sys.executable} -c ''".encode()
    assert names == [b"of an earlier hook", b"own", b"\xff", b"by-fork", program]


def test_a_log_inside_of_the_tree_is_one_write(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(writelog.VARIABLE, str(root / "log"))
    with access(root):
        (root / "mine").touch()
    assert (root / "log").read_text() == "mine\n"


def test_a_log_that_cannot_be_is_a_mistake_in_the_settings(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(writelog.VARIABLE, str(root / "absent" / "log"))
    with (
        pytest.raises(SettingsError, match=r"LOG_WRITES: cannot open .*absent.*: No such file"),
        access(root),
    ):
        pass


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no such device")
def test_a_log_on_a_full_disk_stops_no_write(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(writelog.VARIABLE, "/dev/full")
    with access(root):
        (root / "mine").touch()
