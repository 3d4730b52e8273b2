"""The shadow: one rule, three functions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from isolated_backend.call import Call
from isolated_backend.settings import Settings
from isolated_backend.shadow.paths import Shadow
from isolated_backend.shadow.temporary import home


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    return root


@pytest.fixture
def slot(tmp_path: Path) -> Path:
    slot = tmp_path / "shadows" / "0"
    slot.mkdir(parents=True)
    return slot


@pytest.fixture
def place(root: Path, slot: Path) -> Path:
    """Return the mirror of the root in the slot."""
    return Path(f"{slot}{root}")


@pytest.fixture
def shadow(root: Path, slot: Path) -> Shadow:
    return Shadow(str(root), str(slot), str(slot.parent))


def test_what_is_in_the_root_is_created_at_the_same_place_in_the_shadow(
    shadow: Shadow, root: Path, place: Path
) -> None:
    assert shadow.relocate("build") == str(place / "build")
    assert shadow.relocate(str(root / "src" / "demo.egg-info")) == str(place / "src/demo.egg-info")
    assert shadow.relocate("./a/../b") == str(place / "b")
    assert shadow.relocate(os.curdir) == str(place)


def test_what_is_outside_of_the_root_has_its_place_in_the_slot(
    shadow: Shadow, root: Path, slot: Path
) -> None:
    assert shadow.place == f"{slot}{root}"
    outside = {
        "/elsewhere/build": f"{slot}/elsewhere/build",
        "../sibling": f"{slot}{root.parent}/sibling",
        "../" * len(root.parts) + "top": f"{slot}/top",
        f"{root}-2/build": f"{slot}{root}-2/build",
    }
    for path, place in outside.items():
        assert shadow.relocate(path) == place
        assert shadow.in_tree(f"{place}/x") == (
            f"{path}/x" if path.startswith("/") else os.path.relpath(root / path / "x", root)
        )
    shadow.leave("/elsewhere")
    assert shadow.relocate("/elsewhere/build/lib") == "/elsewhere/build/lib"


def test_a_root_with_a_long_path_has_a_short_mirror_as_deep(tmp_path: Path, slot: Path) -> None:
    root = tmp_path.joinpath(*["x" * 250] * 10)
    root.mkdir(parents=True)
    shadow = Shadow(str(root), str(slot), str(slot.parent))
    assert len(shadow.place) < 1000
    assert len(Path(shadow.place).relative_to(slot).parts) == len(root.parts) - 1
    for path in ("build", "../sibling", "/elsewhere/build", str(root.parent / "a" / "b")):
        place = shadow.relocate(path)
        assert place.startswith(f"{slot}/")
        assert os.path.normpath(root / shadow.in_tree(place)) == os.path.normpath(root / path)


@pytest.mark.parametrize("name", ["a demo {x} #1", "$x", "größe", "with space"])
def test_no_step_of_the_mirror_has_a_character_that_means_something(
    name: str, tmp_path: Path, slot: Path
) -> None:
    root = tmp_path / name / "py"
    root.mkdir(parents=True)
    shadow = Shadow(str(root), str(slot), str(slot.parent))
    assert shadow.place == f"{slot}{tmp_path}/=/py"
    assert shadow.relocate("../src") == f"{slot}{tmp_path}/=/src"
    assert shadow.in_tree(shadow.relocate("../src")) == "../src"


def test_an_emptied_slot_begins_anew(shadow: Shadow, root: Path) -> None:
    (root / "x.egg-info").mkdir()
    (root / "x.egg-info" / "requires.txt").touch()
    seeded = Path(shadow.seed("x.egg-info"))
    (seeded / "requires.txt").unlink()
    shadow.clear()
    assert shadow.relocated == {}
    assert list(Path(shadow.seed("x.egg-info")).iterdir()) == [seeded / "requires.txt"]


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


def test_the_record_shows_the_in_tree_name(shadow: Shadow, slot: Path) -> None:
    assert shadow.in_tree(shadow.relocate("src/demo.egg-info")) == "src/demo.egg-info"
    assert shadow.in_tree("setup.py") == "setup.py"
    assert shadow.in_tree(f"{slot}-2/x") == f"{slot}-2/x"


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
    slot = root / "tmp" / "isolated-backend.0" / "root-abc" / "0"
    slot.mkdir(parents=True)
    shadow = Shadow(str(root), str(slot), str(root / "tmp"))
    assert shadow.hides("tmp/isolated-backend.0/other/1/build")
    assert shadow.hides("./tmp/isolated-backend.0/x")
    assert not shadow.hides("tmp/mine")
    assert shadow.relocate("build") == f"{slot}{root}/build"
    assert shadow.in_tree(shadow.relocate("build")) == "build"


def test_what_others_have_in_a_tmpdir_that_is_the_root_is_not_the_projects(root: Path) -> None:
    slot = root / "isolated-backend.1" / "root-abc" / "0"
    slot.mkdir(parents=True)
    shadow = Shadow(str(root), str(slot), str(root))
    call = Call("", "build_sdist", Settings(), shadow)
    assert home(str(root)) in call.own
    assert str(root) not in call.own


def test_shadows_outside_of_the_root_hide_nothing(shadow: Shadow) -> None:
    assert not shadow.hides("isolated-backend.0")


def test_a_root_that_a_team_shares_hands_its_group_on(root: Path, slot: Path, place: Path) -> None:
    root.chmod(0o2775)
    if not root.stat().st_mode & 0o2000:
        pytest.skip("this user may not set the set-group-id bit")
    Shadow(str(root), str(slot), "/nowhere")
    assert place.stat().st_mode & 0o2000
    assert place.stat().st_gid == root.stat().st_gid
