"""A private tree: what a process writes into the root is seen by itself alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isolated_backend.shadow.removal import empty
from isolated_backend.writers import overlay
from private import in_a_fork, needs_private_trees
from snapshot import snapshot

pytestmark = needs_private_trees


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "package" / "data").mkdir(parents=True)
    (root / "file").write_text("old")
    (root / "package" / "data" / "inner").write_text("old")
    return root


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    place.mkdir(mode=0o700)
    return place


def within(root: Path, place: Path, function: Callable[[], Any], *through: Path) -> Any:
    """Return what *function* returns in a private tree; the real one has to stay as it is."""
    before, times = snapshot(root), {path: path.stat().st_mtime_ns for path in root.rglob("*")}

    def inside() -> Any:
        overlay.lay_over(str(root), str(place), [str(path) for path in through])
        return function()

    try:
        return in_a_fork(inside)
    finally:
        if not through:
            assert snapshot(root) == before
            assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == times


def test_every_kind_of_write_stays_inside(
    root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def function() -> dict[str, Any]:
        (root / "new").write_text("new")
        (root / "file").write_text("changed")
        (root / "package" / "link").symlink_to("data")
        os.rename(root / "package" / "data" / "inner", root / "moved")
        shutil.rmtree(root / "package" / "data")
        (root / "package" / "data").mkdir()  # takes a note of overlayfs'
        subprocess.run(["touch", "by-a-program"], check=True)  # in the current directory
        os.chmod(root / "package", 0o700)
        return {str(path.relative_to(root)): path.is_dir() for path in root.rglob("*")}

    monkeypatch.chdir(root)
    assert within(root, place, function) == {
        "by-a-program": False,
        "file": False,
        "moved": False,
        "new": False,
        "package": True,
        "package/data": True,
        "package/link": True,
    }


def test_the_root_itself_looks_the_same(root: Path, place: Path) -> None:
    root.chmod(0o2751)
    os.utime(root, ns=(10**18, 10**18 + 1))
    before = root.stat()
    inside = within(root, place, root.stat)
    for name in ("st_mode", "st_uid", "st_gid", "st_mtime_ns"):
        assert getattr(inside, name) == getattr(before, name), name


@pytest.mark.parametrize("name", ["a b", "a:b", "a,b", "a\\b", "ünï", "\udcff", "x" * 250])
def test_any_name_of_a_root(name: str, root: Path, place: Path) -> None:
    root = root.rename(root.with_name(name))
    within(root, place, (root / "new").touch)


def test_what_is_to_be_let_through_is_real(root: Path, place: Path, tmp_path: Path) -> None:
    for name in ("meta", "tmp", "tmp/inner", "elsewhere"):
        (root / name).mkdir()
    (root / "link").symlink_to("elsewhere")
    through = [root / "meta", root / "tmp", root / "tmp" / "inner", root / "link", tmp_path]

    def function() -> None:
        for name in ("meta/1", "tmp/2", "tmp/inner/3", "link/4", "5", "package/6"):
            (root / name).touch()

    within(root, place, function, *through, root / "absent", root / "file")
    made = sorted(str(path.relative_to(root)) for path in root.rglob("[1-9]"))
    assert made == ["elsewhere/4", "meta/1", "tmp/2", "tmp/inner/3"]


def test_the_place_may_be_in_the_root(root: Path) -> None:
    """TMPDIR may."""
    place = root / "tmp" / "place"
    place.mkdir(parents=True)

    def function() -> None:
        (root / "new").touch()
        (place / "artifact").touch()

    within(root, place, function, root / "tmp", place)
    assert (place / "artifact").exists()
    assert not (root / "new").exists()


def test_nothing_is_mounted_outside(root: Path, place: Path) -> None:
    def mounts() -> str:
        return Path("/proc/self/mountinfo").read_text()

    before = mounts()
    inside = within(root, place, mounts)
    assert f" {root} " in inside
    assert mounts() == before


def test_what_it_leaves_in_its_place_can_be_removed(root: Path, place: Path) -> None:
    """The kernel makes a directory there that not even its owner may look into."""
    within(root, place, lambda: shutil.rmtree(root / "package"))
    assert (place / overlay.LAYERS / "upper").is_dir()
    empty(str(place))
    assert list(place.iterdir()) == []


def test_a_file_that_cannot_be_read_cannot_be_read_inside(root: Path, place: Path) -> None:
    """A user namespace would allow it."""
    (root / "file").chmod(0)

    def is_readable(path: Path) -> bool:
        return os.access(path, os.R_OK)

    assert within(root, place, lambda: is_readable(root / "file")) is is_readable(root / "file")


def test_a_read_only_root_can_be_written(root: Path, place: Path) -> None:
    for path in (root / "package", root):
        path.chmod(0o555)
    try:

        def function() -> None:
            (root / "new").touch()
            (root / "package" / "new").touch()
            subprocess.run(["touch", str(root / "package" / "by-a-program")], check=True)

        within(root, place, function)
    finally:
        for path in (root, root / "package"):
            path.chmod(0o755)


def test_git_finds_its_repository_above_the_root(
    root: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not look beyond a mount by itself."""
    git = shutil.which("git")
    if not git:
        pytest.skip("no git")
    subprocess.run([git, "init", "-q", str(tmp_path)], check=True)
    monkeypatch.chdir(root)
    found = within(
        root, place, lambda: subprocess.check_output([git, "rev-parse", "--show-prefix"], text=True)
    )
    assert found == "root/\n"
