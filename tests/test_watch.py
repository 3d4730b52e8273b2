"""What counts as a write into the tree."""

from __future__ import annotations

import multiprocessing
import multiprocessing.pool
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from isolated_backend.writers import silent, watch
from isolated_backend.writers.watch import Watch, watched


class Seen(Watch):
    """Notes what it sees, with paths relative to the root."""

    def __init__(self, root: str, own: list[str], temporary: str) -> None:
        super().__init__(root, own, temporary)
        self.written: list[str] = []
        self.read: set[str] = set()
        self.started: list[tuple[str, str]] = []
        self.blind: list[str] = []

    def reads(self, tree: str) -> None:
        """See :class:`Watch`."""
        self.read.add(os.path.relpath(tree, self.root))

    def writes(self, tree: str, name: str) -> None:
        """See :class:`Watch`."""
        self.written.append(name)

    def starts(self, tree: str, words: list[str]) -> None:
        """See :class:`Watch`."""
        started = os.path.relpath(tree, self.root), " ".join(words)
        if started not in self.started:  # subprocess may start it with os.posix_spawn
            self.started.append(started)

    def is_blind(self, cause: str) -> None:
        """See :class:`Watch`."""
        self.blind.append(cause)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "dir").mkdir(parents=True)
    (tree / "file").write_text("x")
    (tree / "own").mkdir()
    (tree / ".venv" / "lib" / "site-packages").mkdir(parents=True)
    return tree


@pytest.fixture
def seen(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    """Watch the tree, with it as the current directory."""
    seen = Seen(str(tree), [str(tree / "own")], str(tmp_path / "temporary"))
    monkeypatch.chdir(tree)
    with watched(seen):
        yield seen


@pytest.fixture
def written(seen: Seen) -> list[str]:
    return seen.written


WRITES: dict[str, tuple[Callable[[], object], str]] = {
    "open": (lambda: Path("new").touch(), "new"),
    "append": (lambda: open("file", "a").close(), "file"),
    "bytes": (lambda: os.close(os.open(b"new", os.O_CREAT)), "new"),
    "absolute": (lambda: Path("dir/new").resolve().touch(), "dir/new"),
    "mkdir": (lambda: os.mkdir("new"), "new"),
    "makedirs": (lambda: os.makedirs("dir/a/b"), "dir/a"),
    "rename": (lambda: os.rename("file", "/dev/null/x"), "file"),
    "replace": (lambda: os.replace("dir", "dir2"), "dir"),
    "remove": (lambda: os.remove("file"), "file"),
    "rmdir": (lambda: os.rmdir("dir"), "dir"),
    "symlink": (lambda: os.symlink("/x", "link"), "link"),
    "link": (lambda: os.link("file", "link"), "link"),
    "truncate": (lambda: os.truncate("file", 0), "file"),
}


@pytest.mark.parametrize("kind", WRITES)
def test_what_changes_the_tree_is_seen(kind: str, written: list[str]) -> None:
    act, name = WRITES[kind]
    with suppress(OSError):
        act()
    assert written[0] == name


@pytest.mark.parametrize(
    ("mode", "flags", "names"),
    [
        ("r", os.O_WRONLY, []),  # PyPy's flags, whatever the mode is
        ("r+", os.O_WRONLY, ["file"]),
        ("rb", os.O_RDONLY, []),
        ("ab", os.O_RDONLY, ["file"]),  # CPython's flags for ssl.SSLContext.keylog_filename
        (None, os.O_RDONLY, []),
        (None, os.O_RDWR, ["file"]),
    ],
)
def test_an_open_with_a_mode_is_a_write_by_its_mode(
    mode: str | None, flags: int, names: list[str], written: list[str]
) -> None:
    sys.audit("open", "file", mode, flags)
    assert written == names


def in_directory(descriptor: Callable[[int], object]) -> None:
    """Call a function with the descriptor of a directory."""
    opened = os.open("dir", os.O_RDONLY)
    try:
        descriptor(opened)
    finally:
        os.close(opened)


SILENT: dict[str, tuple[Callable[[], object], str]] = {
    **{kind: WRITES[kind] for kind in WRITES if kind in silent._EVENTS or kind == "makedirs"},
    "named": (lambda: os.rename(src="file", dst="new"), "file"),
    "in a directory": (
        lambda: in_directory(lambda opened: os.mkdir("new", dir_fd=opened)),
        "dir/new",
    ),
    "a link to a directory": (lambda: os.symlink("/x", "link", True), "link"),
    "a tree": (lambda: shutil.rmtree("dir"), "dir"),
}


@pytest.mark.parametrize("kind", SILENT)
def test_what_pypy_has_no_event_for_is_seen(
    kind: str, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the functions alone: no watch is there for the events of this Python."""
    monkeypatch.setattr(silent, "IS_PYPY", True)
    monkeypatch.chdir(tree)
    seen = Seen(str(tree), [], str(tmp_path / "temporary"))

    def tell(event: str, arguments: Any, **named: Any) -> None:
        watch._EVENTS[event](seen, *arguments, **named)

    before = {name: getattr(os, name) for name in silent._EVENTS}
    act, name = SILENT[kind]
    with silent.told(tell), suppress(OSError):
        act()
    assert seen.written[0] == name
    assert {name: getattr(os, name) for name in silent._EVENTS} == before


def test_a_path_relative_to_a_descriptor_is_seen(written: list[str], tree: Path) -> None:
    directory = os.open(tree / "dir", os.O_RDONLY)
    outside = os.open("/", os.O_RDONLY)
    try:
        os.mkdir("new", dir_fd=directory)
        with suppress(OSError):
            os.mkdir("proc", dir_fd=outside)
    finally:
        os.close(directory)
        os.close(outside)
    assert written == ["dir/new"]


def test_a_path_through_a_link_from_outside_is_seen(
    written: list[str], tree: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tree)
    (tmp_path / "link" / "new").touch()
    (tmp_path / "link" / "own" / "new").touch()
    assert written == ["../link", "new"]


def test_what_does_not_change_the_tree_is_not(written: list[str], tmp_path: Path) -> None:
    Path("file").read_text()
    os.listdir(".")
    os.makedirs("dir", exist_ok=True)
    Path("not-there").unlink(missing_ok=True)
    Path("own/new").touch()
    os.chmod("file", 0o600)
    os.utime("file")
    Path(".venv/lib/site-packages/module.pyc").touch()
    (tmp_path / "temporary" / "outside").touch()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "module.pyc").touch()
    descriptor = os.open("file", os.O_RDONLY)
    os.fchmod(descriptor, 0o600)
    with open(descriptor) as file:
        file.read()
    assert written == []


def test_what_cannot_be_known_is_not_taken_for_a_write(seen: Seen) -> None:
    descriptor = os.open("file", os.O_RDONLY)
    with open(descriptor) as file:
        file.read()
    for arguments in [(3,), ("name", 10**6), (object(),)]:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(watch, "_EVENTS", {"test": Watch._written})
            watch._audit("test", arguments)
    assert seen.written == []


# --- what may write by itself -------------------------------------------------------------------

STARTS: dict[str, Callable[[list[str]], object]] = {
    "subprocess": lambda words: subprocess.run(words, check=True),
    "shell": lambda words: subprocess.run(shlex.join(words), shell=True, check=True),
    "executable": lambda words: subprocess.call(["git", *words[1:]], executable=words[0]),
    "os.system": lambda words: os.system(shlex.join(words)),
    "os.posix_spawn": lambda words: os.waitpid(os.posix_spawn(words[0], words, os.environ), 0),
    "os.posix_spawnp": lambda words: os.waitpid(os.posix_spawnp(words[0], words, os.environ), 0),
    "os.popen": lambda words: os.popen(shlex.join(words)).close(),
    "bytes": lambda words: subprocess.run([os.fsencode(word) for word in words], check=True),
    "a path": lambda words: subprocess.run([Path(words[0]), *words[1:]], check=True),
}


@pytest.mark.parametrize("kind", STARTS)
def test_a_program_in_the_tree_is_seen(kind: str, seen: Seen) -> None:
    if kind.startswith("os.") and not hasattr(os, kind[3:]):
        pytest.skip(f"this Python has no {kind}")
    words = [sys.executable, "-c", "pass"]
    STARTS[kind](words)
    ((tree, command),) = seen.started
    assert tree == "."
    assert command.endswith(shlex.join(words))


def test_a_program_that_a_forked_process_becomes_is_seen(seen: Seen) -> None:
    reading, writing = os.pipe()
    if os.fork() == 0:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(seen, "starts", lambda tree, words: os.write(writing, b"seen"))
            os.execv(sys.executable, [sys.executable, "-c", "pass"])
    os.wait()
    assert os.read(reading, 4) == b"seen"


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_worker_of_multiprocessing_is_seen(
    method: str, seen: Seen, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Also where its sockets have to have short paths."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("t")))
        context: Any = multiprocessing.get_context(method)
        worker = context.Process(target=print)
        worker.start()
        worker.join()
    assert [tree for tree, _ in seen.started] == ["."]


def test_a_pool_of_threads_is_no_program(seen: Seen) -> None:
    with multiprocessing.pool.ThreadPool(2) as pool:
        pool.map(str, [1, 2])
    assert seen.started == []


def test_a_semaphore_is_no_program(seen: Seen) -> None:
    """It starts a process that keeps count of semaphores, once."""
    resource_tracker = pytest.importorskip("multiprocessing.resource_tracker")
    resource_tracker._resource_tracker._stop()
    multiprocessing.get_context("spawn").Lock()
    assert seen.started == []


@pytest.mark.parametrize("directory", ["", "dir", "..", "/"])
def test_where_a_program_is_started_counts(directory: str, seen: Seen, tree: Path) -> None:
    """In the tree or above it."""
    subprocess.run([sys.executable, "-c", ""], cwd=tree / directory, check=True)
    assert "." in [where for where, _ in seen.started]


def test_elsewhere_what_it_is_given_counts(seen: Seen, tree: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "temporary"
    subprocess.run([sys.executable, "-c", ""], cwd=elsewhere, check=True)
    assert seen.started == []
    assert seen.blind == [sys.executable]  # what it does, one does not know
    command = [sys.executable, "-c", "", f"--out={tree}/new"]
    subprocess.run(command, cwd=elsewhere, check=True)
    assert [where for where, _ in seen.started] == ["."]


def test_what_only_asks_does_not(seen: Seen) -> None:
    subprocess.run([sys.executable, "--version"], check=True, stdout=subprocess.DEVNULL)
    assert (seen.started, seen.blind) == ([], [])


def test_a_hook_that_another_thread_calls_is_no_program_of_this_one(seen: Seen) -> None:
    command = [sys.executable, "-c", "if 0: from isolated_backend import callee"]
    other = threading.Thread(target=subprocess.run, args=[command])
    other.start()
    other.join()
    assert seen.started == []
    subprocess.run(command, check=True)
    assert len(seen.started) == 1


def test_with_slash_as_the_root_every_write_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", "/nowhere")
    seen = Seen("/", [str(tmp_path / "own")], "/tmp")
    (tmp_path / "own").mkdir()
    with watched(seen):
        (tmp_path / "own" / "new").touch()
        (tmp_path / "new").touch()
        subprocess.run([sys.executable, "-c", ""], check=True)
    assert seen.written == [str(tmp_path / "new")[1:]]
    assert [where for where, _ in seen.started] == ["."]


# --- around the root ----------------------------------------------------------------------------


def test_what_is_read_around_the_root_is_seen(seen: Seen, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("")
    assert seen.written == ["../outside"]
    for read in (
        lambda: Path("../outside").read_text(),
        lambda: (tmp_path / "outside").read_bytes(),
        lambda: os.listdir(tmp_path),
        lambda: list(os.scandir("..")),
        lambda: list(os.walk(Path(".."))),
        lambda: subprocess.run(["gcc", "-c", "-o", "/dev/null", "../outside"], check=False),
    ):
        seen.read.clear()
        read()
        assert seen.read == {".."}


def test_a_module_that_is_imported_is_no_source(
    tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "module_of_a_test.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "modules")
    monkeypatch.chdir(tree)
    seen = Seen(str(tree), [], str(tmp_path / "temporary"))
    with watched(seen):
        import module_of_a_test  # type: ignore[import-not-found]  # noqa: F401
    assert (seen.read, seen.written) == (set(), [])
