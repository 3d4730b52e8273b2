"""Entry points, read once for a hook."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from calls import call_on
from isolated_backend import redirect
from isolated_backend.shortcuts import plugins

if TYPE_CHECKING:
    import pytest


def install(directory: Path, name: str) -> None:
    metadata = directory / f"{name}-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[test.plugins]\n{name} = os:getcwd\n")


def names() -> list[str]:
    return [found.name for found in importlib.metadata.entry_points(group="test.plugins")]


def test_they_are_those_that_importlib_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "place").mkdir()
    packages, more = tmp_path / "packages", tmp_path / "more"
    install(packages, "one")
    install(more, "three")
    # Others write into the current directory meanwhile, which makes it another.
    monkeypatch.setattr("sys.path", [e for e in sys.path if os.path.abspath(e) != os.getcwd()])
    monkeypatch.syspath_prepend(packages)
    original = importlib.metadata.entry_points
    commands = original(group="distutils.commands")
    reads = []

    def counted(**params: str) -> object:
        reads.append(params)
        return original(**params)

    monkeypatch.setattr(importlib.metadata, "entry_points", counted)
    with redirect.redirected(call_on(tmp_path), [plugins.replaces]):
        found = importlib.metadata.entry_points
        assert list(found(group="distutils.commands")) == list(commands)
        assert [each.value for each in found(group="test.plugins", name="one")] == ["os:getcwd"]
        assert names() == ["one"]
        assert reads == [{}]
        # What is installed meanwhile is found, and so is what another path leads to.
        install(packages, "two")
        os.utime(packages, (1, 1))
        assert sorted(names()) == ["one", "two"]
        monkeypatch.setattr("sys.path", [str(more), *sys.path, "/nowhere"])
        assert sorted(names()) == ["one", "three", "two"]
    assert importlib.metadata.entry_points is counted
