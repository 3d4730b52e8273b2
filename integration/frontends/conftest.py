"""Fixtures: the frontends, installed, and a checkout for them to meet in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ..conftest import Environment, call, once, python_of
from ..projects import workspace
from .catalogue import Tools
from .examine import Examination
from .run import OURS, PLAIN, environment, reference

#: What goes into which environment. tox-uv changes what tox does, and pdm says in its extra
#: ``locked`` which dependencies it works with: with the newest hishel it does not start.
_TOOLS = {
    "frontends": ["build", "pip", "uv", "tox", "nox", "hatch", "check-manifest"],
    "tox-uv": ["tox", "tox-uv"],
    "pdm": ["pdm[locked]"],
}

_TOOLS_VARIABLES = ("PIP_", "UV_", "TOX_", "NOX", "HATCH_", "PDM_", "VIRTUAL", "XDG_", "GIT_")

Checkout = Callable[[str, int], Path]
Examine = Callable[[str, int], Examination]


@pytest.fixture(scope="session")
def tools(common: Path) -> Tools:
    """The frontends, each in its current version from the index."""

    def install(directory: Path) -> None:
        call(sys.executable, "-m", "venv", "--without-pip", directory)
        pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python_of(directory)]
        call(*pip, "install", "-q", *_TOOLS[directory.name])

    return Tools(*(python_of(once(common / name, install)).parent for name in _TOOLS))


@pytest.fixture
def shell(tmp_path: Path, wheelhouse: Path, tools: Tools) -> dict[str, str]:
    """The variables of a user who has the frontends installed and configured nothing."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {
        name: value
        for name, value in environment(tmp_path / "temporary").items()
        if not name.startswith(_TOOLS_VARIABLES)
    }
    return {
        **kept,
        **Environment(tools.python, wheelhouse).offline,
        "HOME": str(home),
        "PATH": os.pathsep.join([str(tools.frontends), kept["PATH"]]),
        "UV_CACHE_DIR": str(home / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
        "BUILDS": str(tmp_path / "builds"),
    }


@pytest.fixture
def checkout(tmp_path: Path, shell: dict[str, str]) -> Checkout:
    """Return what makes a git checkout, locked by uv, of so many files for one backend."""
    if not shutil.which("git"):
        pytest.skip("check-manifest asks git for the files of the checkout")

    def make(backend: str, files: int) -> Path:
        requires = {OURS: ("setuptools", "isolated-backend"), PLAIN: ("setuptools",)}[backend]
        root = workspace(tmp_path / "checkout", backend, requires, files)
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        for words in (
            ["uv", "lock", "-q"],
            ["git", "init", "-q"],
            ["git", "add", "-A"],
            ["git", *identity, "commit", "-qm", "All there is"],
        ):
            program = shutil.which(words[0], path=shell["PATH"])
            assert program
            subprocess.run([program, *words[1:]], cwd=root, env=shell, check=True)
        return root

    return make


@pytest.fixture
def examine(
    checkout: Checkout, shell: dict[str, str], venv: Environment, tools: Tools, tmp_path: Path
) -> Examine:
    """Return what makes a checkout of so many files for one backend, and examines its builds."""

    def make(backend: str, files: int) -> Examination:
        root = checkout(backend, files)
        right = reference(venv.python, root, tmp_path / "reference")
        return Examination(tools, venv.python, root, shell, right)

    return make
