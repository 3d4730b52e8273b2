"""Which source trees a build is made of, besides the root."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from isolated_backend.writers.trees import tree_around


def around(path: Path | str, root: Path | str, temporary: Path | str = "/temporary") -> str | None:
    return tree_around(str(path), str(root), str(temporary))


@pytest.mark.parametrize("marker", ["pyproject.toml", "setup.py", ".git", ".hg"])
def test_it_is_the_nearest_project_or_checkout(marker: str, tmp_path: Path) -> None:
    (tmp_path / "repo" / marker).mkdir(parents=True)
    expected = str(tmp_path / "repo")
    assert around(tmp_path / "repo" / "shared" / "deep", tmp_path / "repo" / "py") == expected
    # Also where the two meet further down, so that all builds of a repository agree.
    inner = tmp_path / "repo" / "shared"
    assert around(inner / "core", inner / "py") == expected


def test_not_all_builds_of_a_machine_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is there a tree where there is nothing."""
    assert around("/nowhere/shared", "/home/u/p") is None
    monkeypatch.setattr(os.path, "isdir", lambda path: path == "/data")
    assert around("/data/shared", "/home/u/p") == "/data"


def test_without_one_it_is_what_both_are_in(tmp_path: Path) -> None:
    root = tmp_path / "m" / "a"
    assert around(tmp_path / "m" / "shared", root) == str(tmp_path / "m")
    assert around(tmp_path / "m", root) == str(tmp_path / "m")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/usr/include",
        "/dev",
        "/tmp/x",
        "/home/u/.cache/pip",
        "/home/u/lib/site-packages/x",
        "/home/u/linked/isolated-backend/bytecode",
        "/temporary/x",
        "/temporary",
        os.path.join(sys.prefix, "share"),
        os.path.join(sys.base_prefix, "lib"),
    ],
)
def test_caches_and_the_system_are_no_trees(path: str) -> None:
    assert around(path, "/home/u/p") is None


def test_what_the_environment_names_as_a_cache_is_no_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    assert around("/home/u/cache/x", "/home/u/p") == "/home/u"
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/u/cache")
    assert around("/home/u/cache/x", "/home/u/p") is None
    monkeypatch.setenv("WHATEVER_CACHE", "relative")
    assert around("/home/u/relative", "/home/u/p") == "/home/u"


def test_a_repository_in_the_temporary_directory_counts(tmp_path: Path) -> None:
    assert around(tmp_path / "m" / "b", tmp_path / "m" / "a", tmp_path) == str(tmp_path / "m")
    assert around(tmp_path / "b", tmp_path / "a", tmp_path) is None
