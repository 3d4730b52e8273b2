"""What counts as a change of a tree."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from isolated_backend.cli import snapshot


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("1")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "index").write_text("1")
    return tmp_path


def _changes(root: Path, before: snapshot.Snapshot) -> snapshot.Changes:
    return snapshot.compare(before, snapshot.take(root))


def test_times_and_gits_own_files_do_not_count(root: Path) -> None:
    before = snapshot.take(root)
    os.utime(root / "src" / "a.py", (1, 1))
    os.utime(root / "src", (1, 1))
    (root / ".git" / "index").write_text("2")
    assert _changes(root, before).paths == ()


def test_a_file_that_is_written_again_is_known(root: Path) -> None:
    os.utime(root / "src" / "a.py", (1, 1))
    before = snapshot.take(root)
    (root / "src" / "a.py").write_text("1")
    assert _changes(root, before) == snapshot.Changes(rewritten=("src/a.py",))
    (root / "src" / "a.py").write_text("2")
    assert _changes(root, before) == snapshot.Changes(changed=("src/a.py",))


def test_created_changed_and_deleted(root: Path) -> None:
    (root / "gone").touch()
    before = snapshot.take(root)
    (root / "gone").unlink()
    (root / "build" / "lib").mkdir(parents=True)
    (root / "build" / "lib" / ".git").touch()
    (root / "src" / "a.py").write_text("2")
    changes = _changes(root, before)
    assert changes.created == ("build/", "build/lib/", "build/lib/.git")
    assert changes.changed == ("src/a.py",)
    assert changes.deleted == ("gone",)
    assert changes.paths == ("build/", "build/lib/", "build/lib/.git", "gone", "src/a.py")


def test_a_file_that_becomes_a_directory(root: Path) -> None:
    before = snapshot.take(root)
    (root / "src" / "a.py").unlink()
    (root / "src" / "a.py").mkdir()
    assert _changes(root, before).paths == ("src/a.py", "src/a.py/")


@pytest.mark.skipif(sys.platform == "win32", reason="no modes, and links need a privilege there")
@pytest.mark.parametrize("name", ["src/a.py", "src", "."])
def test_modes_count(root: Path, name: str) -> None:
    before = snapshot.take(root)
    (root / name).chmod(0o750)
    path = Path(name).as_posix() + "/" * (root / name).is_dir()
    assert _changes(root, before).changed == (path,)


@pytest.mark.skipif(sys.platform == "win32", reason="no modes, and links need a privilege there")
def test_link_targets_and_special_files_count(root: Path) -> None:
    (root / "link").symlink_to("src")
    os.mkfifo(root / "pipe")
    before = snapshot.take(root)
    assert _changes(root, before).paths == ()
    (root / "link").unlink()
    (root / "link").symlink_to("nowhere")
    (root / "pipe").unlink()
    (root / "pipe").touch()
    assert _changes(root, before).changed == ("link", "pipe")


def test_topmost() -> None:
    paths = ["a/", "a/b", "a/c/", "a/c/d", "a.py", "b", "b2", "c/x", "c/y"]
    assert list(snapshot.topmost(paths)) == ["a/", "a.py", "b", "b2", "c/x", "c/y"]
    assert list(snapshot.topmost(["./", "a/", "a/b"])) == ["./", "a/"]
    assert list(snapshot.topmost([])) == []
