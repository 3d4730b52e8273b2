"""Fixtures: a wheelhouse, an environment installed from it, and projects to build there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from .frontends import OURS, PLAIN, environment
from .namespaces import TEMPORARY_FILE_SYSTEM, mounted
from .projects import src_layout

SHARED_MEMORY = Path("/dev/shm")

REPOSITORY = Path(__file__).parent.parent

#: What the environments are made of, besides our own wheel.
REQUIREMENTS = ["setuptools>=77", "wheel", "packaging", "filelock>=3.30", "build", "pip"]


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    python: Path
    wheelhouse: Path

    @property
    def offline(self) -> dict[str, str]:
        """The variables that make pip and uv take wheels from the wheelhouse, nowhere else."""
        return {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheelhouse),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_NO_CONFIG": "1",
            "UV_NO_INDEX": "1",
            "UV_FIND_LINKS": str(self.wheelhouse),
            "UV_OFFLINE": "1",
        }


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that all the workers of this run have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def once(directory: Path, make: Callable[[Path], None]) -> Path:
    """Let one worker *make* the directory; the others wait for it."""
    done = directory.with_name(directory.name + ".done")
    with FileLock(directory.with_name(directory.name + ".lock")):
        if not done.exists():
            directory.mkdir()
            make(directory)
            done.touch()
    return directory


@pytest.fixture(scope="session")
def wheelhouse(common: Path) -> Path:
    """Wheels of this repository and of what the environments need."""

    def make(directory: Path) -> None:
        call(sys.executable, "-m", "pip", "download", "-qd", directory, *REQUIREMENTS)
        offline = Environment(Path(sys.executable), directory).offline
        call(sys.executable, "-m", "build", "-wo", directory, REPOSITORY, **offline)

    return once(common / "wheelhouse", make)


@pytest.fixture(scope="session")
def venv(common: Path, wheelhouse: Path) -> Environment:
    """An environment with our wheel and the frontend ``build``, for ``python -m build -n``."""
    variables = Environment(Path(sys.executable), wheelhouse).offline

    def make(directory: Path) -> None:
        call(sys.executable, "-m", "venv", "--without-pip", directory)
        pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python_of(directory)]
        call(*pip, "install", "-q", "isolated-backend", "build", "pip", **variables)

    return Environment(python_of(once(common / "venv", make)), wheelhouse)


def python_of(directory: Path) -> Path:
    return directory / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def call(*command: str | Path, **variables: str) -> None:
    done = subprocess.run(
        [str(word) for word in command],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The variables for the frontends of one test; TMPDIR is ``tmp_path / "temporary"``."""
    return environment(tmp_path / "temporary")


@pytest.fixture
def whole_machine(common: Path) -> Iterator[None]:
    """Keep heavy tests of different workers apart: each load is the one that it says it is."""
    with FileLock(common / "whole_machine.lock"):
        yield


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A project of 300 files in src layout that is built by us."""
    return src_layout(tmp_path / "crowded", OURS)


@pytest.fixture
def crowded_plain(tmp_path: Path) -> Path:
    """The same project, built by plain setuptools."""
    return src_layout(tmp_path / "crowded", PLAIN)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project of 20 files that is built by us."""
    return src_layout(tmp_path / "small", OURS, files=20)


@pytest.fixture(scope="session")
def writers_venv(common: Path, wheelhouse: Path) -> Environment:
    """An environment for projects that write into their own tree."""
    more = ["setuptools-scm", "cython"]

    def make(directory: Path) -> None:
        call(sys.executable, "-m", "venv", "--without-pip", directory)
        pip: list[str | Path] = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            python_of(directory),
            "install",
            "-q",
        ]
        call(*pip, "--find-links", wheelhouse, "isolated-backend", "build", "pip", *more)

    return Environment(python_of(once(common / "writers", make)), wheelhouse)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests have recorded: they are there to be quoted."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "figures" and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid}: {value}")


@dataclass(frozen=True)
class OtherFileSystem:
    """A directory on a file system that is not the output directory's."""

    path: Path
    prefix: list[str]
    """What to put before a command that is to see it."""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[OtherFileSystem]:
    """Shared memory if that is a file system of its own, else one mounted for the test alone."""
    if SHARED_MEMORY.is_dir() and SHARED_MEMORY.stat().st_dev != tmp_path.stat().st_dev:
        with tempfile.TemporaryDirectory(dir=SHARED_MEMORY) as shared:
            yield OtherFileSystem(Path(shared), [])
        return
    directory = tmp_path / "other"
    directory.mkdir()
    yield OtherFileSystem(directory, mounted(TEMPORARY_FILE_SYSTEM.format(directory)))
