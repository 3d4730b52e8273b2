"""Entry points, read once for a hook."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from isolated_backend import redirect
from isolated_backend.shadow import Shadow

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
    with redirect.redirected(Shadow(str(tmp_path), str(tmp_path / "place"), "/n"), "build_sdist"):
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


PROJECT = '[project]\nname = "demo"\nversion = "1"\n[tool.setuptools]\npackages = []\n'
OPTIONS = "[tool.distutils.saveopts]\nfilename = 'f'\nnothing = 1\n"


def hook(tmp_path: Path, backend: str, text: str, *, setup: bool = False) -> str:
    """Call a hook where a plugin registers a command, and return what it says."""
    packages, root = tmp_path / "packages", tmp_path / "root"
    metadata = packages / "plugin-1.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[distutils.commands]\nplugged = plugged:command\n")
    (packages / "plugged.py").write_text("class command:\n    user_options = []\n")
    (tmp_path / "out").mkdir(exist_ok=True)
    root.mkdir()
    (root / "pyproject.toml").write_text(text)
    if setup:
        (root / "setup.py").write_text("from setuptools import setup\nsetup()\n")
    script = (
        f"import sys\nsys.path.insert(0, {str(packages)!r})\nimport {backend} as backend\n"
        f"backend.prepare_metadata_for_build_wheel({str(tmp_path / 'out')!r})\n"
        "names = ('plugged', 'setuptools.command.saveopts')\n"
        "print('commands:', *(name in sys.modules for name in names))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False
    )
    shutil.rmtree(root)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_commands_are_loaded_where_options_for_them_are_checked(tmp_path: Path) -> None:
    plain = hook(tmp_path, "setuptools.build_meta", PROJECT)
    assert "commands: True True" in plain  # or there would be nothing to save
    assert "commands: True False" in hook(tmp_path, "isolated_backend", PROJECT)
    assert "commands: True True" in hook(tmp_path, "isolated_backend", PROJECT, setup=True)
    for backend in ("setuptools.build_meta", "isolated_backend"):
        said = hook(tmp_path, backend, PROJECT + OPTIONS)
        assert "commands: True True" in said
        assert "Command option saveopts.nothing is not defined" in said
        assert "saveopts.filename" not in said
