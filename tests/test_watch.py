"""What counts as a write into the tree."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from isolated_backend.writers import watch
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
        self.started.append((os.path.relpath(tree, self.root), " ".join(words)))

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
