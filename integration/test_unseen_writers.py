"""Trees that are written by programs, workers, extension modules and builds inside of builds.

Of four wheels and two sdists at once, none has a half-written file in it, under the default
settings. The control has no lock (``in-tree-writes = "allow"``).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import Environment, call, once, python_of
from .frontends.run import Command, Finished, environment, run_at_once
from .generators import (
    HALVES,
    IN_PROCESS,
    NESTED,
    OUTSIDE,
    PROGRAMS,
    UNSEEN,
    WINDOW,
    WORKERS,
    project,
)

KINDS = PROGRAMS | WORKERS | NESTED | IN_PROCESS | OUTSIDE

#: The controls that are not too much for the default selection: one of each group.
SHORT = [next(iter(group)) for group in (PROGRAMS, WORKERS, NESTED, IN_PROCESS, OUTSIDE)]
LONG = [pytest.param(kind, marks=pytest.mark.long) for kind in KINDS if kind not in SHORT]

HOOK = "import sys, isolated_backend as b; getattr(b, sys.argv[1])(sys.argv[2])"

EXTENSION = """\
from setuptools import Extension, setup

setup(name="unseen", ext_modules=[Extension("unseen", ["unseen.c"])])
"""


@pytest.fixture(scope="session")
def pythons(common: Path, wheelhouse: Path) -> dict[str, Path]:
    """Return this Python, and one in which forkserver is the default, if there is one on PATH."""
    other = shutil.which("python3.14")
    if other is None or sys.version_info >= (3, 14):
        return {"this": Path(sys.executable)}

    def make(directory: Path) -> None:
        call(str(other), "-m", "venv", "--without-pip", directory)
        pip = [sys.executable, "-m", "pip", "--python", str(python_of(directory)), "install", "-q"]
        offline = Environment(Path(sys.executable), wheelhouse).offline
        call(*pip, "isolated-backend", **offline)

    return {"this": Path(sys.executable), "3.14": python_of(once(common / "forkserver", make))}


@pytest.fixture(params=["this", "3.14"])
def python(request: pytest.FixtureRequest, pythons: dict[str, Path]) -> Path:
    if request.param not in pythons:
        pytest.skip("there is no python3.14 on PATH")
    return pythons[request.param]


@pytest.fixture
def unseen(common: Path, python: Path) -> Path:
    """Return a directory with an extension module that writes by itself."""

    def make(directory: Path) -> None:
        (directory / "unseen.c").write_text(UNSEEN)
        (directory / "setup.py").write_text(EXTENSION)
        command = [str(python), "setup.py", "-q", "build_ext", "--inplace"]
        subprocess.run(command, cwd=directory, check=True, stdout=subprocess.DEVNULL)

    return once(common / f"unseen-{python.parent.parent.name}", make)


def build_at_once(python: Path, roots: list[Path], place: Path, **variables: str) -> list[str]:
    """Run four ``build_wheel`` and two ``build_sdist`` at once; return what is wrong with them."""
    commands = []
    for number, hook in enumerate(["build_wheel"] * 4 + ["build_sdist"] * 2):
        out = place / f"out{number}"
        out.mkdir(parents=True)
        window = {WINDOW: f"{0.1 * (number + 1):.1f}"}
        words = [str(python), "-c", HOOK, hook, str(out)]
        commands.append(Command(words, roots[number % len(roots)], window))
    results = run_at_once(commands, environment(place / "tmp", **variables), place / "logs")
    return [fault for n, each in enumerate(results) if (fault := wrong(each, place / f"out{n}"))]


def wrong(result: Finished, out: Path) -> str:
    """Return what is wrong with a build; nothing if its artifact has the whole file."""
    if result.status:
        return result.output
    (artifact,) = out.iterdir()
    if artifact.suffix == ".whl":
        with zipfile.ZipFile(artifact) as wheel:
            found = [wheel.read(n) for n in wheel.namelist() if n.endswith("generated.py")]
    else:
        with tarfile.open(artifact) as sdist:
            members = [m for m in sdist.getmembers() if m.name.endswith("generated.py")]
            found = [file.read() for m in members if (file := sdist.extractfile(m))]
    # What is outside of the root, setuptools does not put into an sdist.
    return str([each for each in found if each != "".join(HALVES).encode()] or "")


@dataclass(frozen=True)
class Trial:
    """Fresh projects, each built six times at once."""

    python: Path
    unseen: Path
    place: Path

    def run(self, kind: str, writes: str, rounds: int) -> list[str]:
        """Build *rounds* projects, or until something is wrong; return that."""
        for number in range(rounds):
            place = self.place / str(number)
            names, package = (("a", "b"), "../shared/pkg") if kind in OUTSIDE else (("a",), "pkg")
            setting = f'in-tree-writes = "{writes}"'
            roots = [
                project(place / name, KINDS[kind], self.python, setting, package=package)
                for name in names
            ]
            faults = build_at_once(self.python, roots, place, PYTHONPATH=str(self.unseen))
            shutil.rmtree(place)
            if faults:
                return faults
        return []


@pytest.fixture
def trial(python: Path, unseen: Path, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Return a trial in a place with a short path: multiprocessing's sockets must fit."""
    return Trial(python, unseen, tmp_path_factory.mktemp("t"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.long)])
@pytest.mark.usefixtures("whole_machine")
def test_no_artifact_has_a_half_written_file(
    kind: str, rounds: int, trial: Trial, record_property: Callable[[str, object], None]
) -> None:
    assert trial.run(kind, "auto", rounds) == []
    record_property("figures", f"0 wrong of {6 * rounds} under the default settings")


@pytest.mark.parametrize(
    "kind", [*SHORT, *(pytest.param(k, marks=pytest.mark.long) for k in KINDS if k not in SHORT)]
)
@pytest.mark.usefixtures("whole_machine")
def test_without_the_lock_there_are_half_written_files(kind: str, trial: Trial) -> None:
    """The control."""
    faults = trial.run(kind, "allow", 10)
    assert faults, "nothing was wrong in ten rounds"
    assert all(fault.startswith("[b") for fault in faults), faults
