"""The shadow: one rule, three functions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from isolated_backend.call import Call
from isolated_backend.settings import Settings
from isolated_backend.shadow import slots
from isolated_backend.shadow.paths import Shadow


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    return root


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "shadows" / "0"
    place.mkdir(parents=True)
    return place


@pytest.fixture
def shadow(root: Path, place: Path) -> Shadow:
    return Shadow(str(root), str(place), str(place.parent))


def test_what_is_in_the_root_is_created_at_the_same_place_in_the_shadow(
    shadow: Shadow, root: Path, place: Path
) -> None:
    assert shadow.relocate("build") == str(place / "build")
    assert shadow.relocate(str(root / "src" / "demo.egg-info")) == str(place / "src/demo.egg-info")
    assert shadow.relocate("./a/../b") == str(place / "b")
    assert shadow.relocate(os.curdir) == str(place)


def test_what_is_outside_of_the_root_stays(shadow: Shadow, root: Path) -> None:
    for path in ("/elsewhere/build", "../sibling", str(root) + "-2/build"):
        assert shadow.relocate(path) == path


def test_what_a_configuration_names_outside_of_the_root_is_in_the_shadow(
    shadow: Shadow, place: Path, tmp_path: Path
) -> None:
    outside = str(tmp_path / "elsewhere" / "build")
    moved = shadow.relocate_from_anywhere(outside)
    assert moved.startswith(f"{place}{os.sep}")
    assert shadow.relocate_from_anywhere(outside) == moved
    assert shadow.relocate_from_anywhere(outside + "2") != moved
    assert shadow.relocate_from_anywhere(moved) == moved
    assert shadow.relocate_from_anywhere("build") == str(place / "build")
    shadow.leave(outside)
    assert shadow.relocate_from_anywhere(outside + "/lib") == outside + "/lib"


def test_what_is_in_the_shadow_stays(shadow: Shadow) -> None:
    once = shadow.relocate("build/lib")
    assert shadow.relocate(once) == once


def test_what_was_asked_for_stays_with_all_below(shadow: Shadow) -> None:
    shadow.leave("mine")
    assert shadow.relocate("mine") == "mine"
    assert shadow.relocate("mine/lib") == "mine/lib"
    assert shadow.relocate("mine2") != "mine2"


def test_an_absolute_path_through_a_link_to_the_root_is_in_the_root(
    shadow: Shadow, root: Path, place: Path
) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    assert shadow.relocate(str(link / "build")) == str(place / "build")


def test_the_record_shows_the_in_tree_name(shadow: Shadow, place: Path) -> None:
    assert shadow.in_tree(shadow.relocate("src/demo.egg-info")) == "src/demo.egg-info"
    assert shadow.in_tree("setup.py") == "setup.py"
    assert shadow.in_tree(str(place) + "-2/x") == str(place) + "-2/x"


def test_bytes_are_where_they_were_made(shadow: Shadow, root: Path, place: Path) -> None:
    build = Path(shadow.relocate("build"))
    build.mkdir()
    (build / "made").touch()
    (root / "build").mkdir()
    (root / "build" / "old").touch()
    assert shadow.actual("build/made") == str(build / "made")
    assert shadow.actual("./build/made") == str(build / "made")
    assert shadow.actual("build/old") == "build/old"
    assert shadow.actual("builder.py") == "builder.py"
    assert shadow.actual(str(build / "made")) == str(build / "made")


def test_a_seeded_directory_begins_as_in_the_root_and_is_then_its_own(
    shadow: Shadow, root: Path
) -> None:
    info = root / "demo.egg-info"
    info.mkdir()
    (info / "requires.txt").write_text("old")
    (info / "requires.txt").chmod(0o444)
    os.utime(info / "requires.txt", (1, 1))

    seeded = Path(shadow.seed("demo.egg-info"))

    assert (seeded / "requires.txt").read_text() == "old"
    assert (seeded / "requires.txt").stat().st_mtime == 1
    assert (seeded / "requires.txt").stat().st_mode & 0o200
    assert list(shadow.seeded_names()) == ["demo.egg-info/requires.txt"]

    (seeded / "requires.txt").unlink()
    assert Path(shadow.seed("demo.egg-info")) == seeded  # once, never again
    assert list(seeded.iterdir()) == []
    # What was deleted is deleted, though the root still has it.
    assert shadow.actual("demo.egg-info/requires.txt") == str(seeded / "requires.txt")


def test_shadows_inside_the_root_are_hidden(root: Path) -> None:
    place = root / "tmp" / "isolated-backend.0" / "root-abc" / "0"
    place.mkdir(parents=True)
    shadow = Shadow(str(root), str(place), str(root / "tmp"))
    assert shadow.inside_root
    assert shadow.hides("tmp/isolated-backend.0/other/1/build")
    assert shadow.hides("./tmp/isolated-backend.0/x")
    assert not shadow.hides("tmp/mine")
    assert shadow.relocate("build") == str(place / "build")
    assert shadow.in_tree(shadow.relocate("build")) == "build"


def test_what_others_have_in_a_tmpdir_that_is_the_root_is_not_the_projects(root: Path) -> None:
    place = root / "isolated-backend.1" / "root-abc" / "0"
    place.mkdir(parents=True)
    shadow = Shadow(str(root), str(place), str(root))
    call = Call("", "build_sdist", Settings(), shadow)
    assert slots.home(str(root)) in call.own
    assert str(root) not in call.own


def test_shadows_outside_of_the_root_hide_nothing(shadow: Shadow) -> None:
    assert not shadow.inside_root
    assert not shadow.hides("isolated-backend.0")


def test_a_root_that_a_team_shares_hands_its_group_on(root: Path, place: Path) -> None:
    root.chmod(0o2775)
    if not root.stat().st_mode & 0o2000:
        pytest.skip("this user may not set the set-group-id bit")
    Shadow(str(root), str(place), "/nowhere")
    assert place.stat().st_mode & 0o2000
    assert place.stat().st_gid == root.stat().st_gid
