"""Every frontend that is put through: how it is started, and what it leaves where."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .run import Command

SDIST, WHEEL, EDITABLE = "sdist", "bdist_wheel", "editable_wheel"


@dataclass(frozen=True)
class Tools:
    """Where the frontends are installed: the directories of their scripts."""

    frontends: Path
    tox_uv: Path
    pdm: Path

    @property
    def python(self) -> Path:
        """The interpreter of the environment that most of them share."""
        return self.frontends / "python"

    def __getitem__(self, name: str) -> str:
        return str(self.frontends / name)


@dataclass(frozen=True)
class Place:
    """Where a frontend is started.

    Attributes:
        tools: the frontends.
        python: the interpreter of an environment with our backend, for builds without isolation.
        root: the checkout.
        out: a directory for everything that the frontend writes; exists, and is its alone.
        env: the variables that it will be run with.
    """

    tools: Tools
    python: Path
    root: Path
    out: Path
    env: Mapping[str, str]

    def virtualenv(self, name: str = "venv") -> Path:
        """Make a virtual environment without anything in it."""
        made = self.out / name
        uv = [self.tools["uv"], "venv", "-q", "-p", str(self.tools.python), str(made)]
        subprocess.run(uv, env={**self.env}, check=True)
        return made


@dataclass(frozen=True)
class Job:
    """One frontend to start, or several that belong together, and what is to come of it.

    Attributes:
        commands: what to start; all at the same instant.
        builds: the commands of setuptools that make an artifact, and how often each is to run.
        artifacts: directories that are to hold artifacts of these kinds, and no other file.
        installed: virtual environments that are to have the project.
        editable: those that are to have it from the checkout.
        own: what the frontend itself writes into the checkout, and no option prevents.
    """

    commands: list[Command]
    builds: Counter[str]
    artifacts: list[Path] = field(default_factory=list)
    installed: list[Path] = field(default_factory=list)
    editable: list[Path] = field(default_factory=list)
    own: list[str] = field(default_factory=list)


def _job(
    place: Place,
    *words: str,
    builds: list[str],
    variables: Mapping[str, str] | None = None,
    own: Sequence[str] = (),
    **paths: list[Path],
) -> Job:
    """Return a job of one command."""
    command = Command(words, cwd=place.root, variables=variables or {})
    return Job([command], Counter(builds), own=list(own), **paths)


def _artifacts(place: Place, *words: str, builds: list[str], **variables: str) -> Job:
    """Return a job that puts artifacts into ``out/dist``."""
    dist = place.out / "dist"
    return _job(place, *words, builds=builds, artifacts=[dist], variables=variables)


# --- build, pip, uv -----------------------------------------------------------------------------


def build(place: Place) -> Job:
    words = [place.tools["python"], "-m", "build", "--outdir", str(place.out / "dist"), "."]
    return _artifacts(place, *words, builds=[SDIST, WHEEL])


def build_with_uv(place: Place) -> Job:
    words = [place.tools["python"], "-m", "build", "--installer", "uv", "--sdist", "--wheel"]
    return _artifacts(place, *words, "--outdir", str(place.out / "dist"), builds=[SDIST, WHEEL])


def build_without_isolation(place: Place) -> Job:
    words = [str(place.python), "-m", "build", "--no-isolation", "--sdist", "--wheel"]
    return _artifacts(place, *words, "--outdir", str(place.out / "dist"), builds=[SDIST, WHEEL])


def pip_wheel(place: Place) -> Job:
    words = [place.tools["pip"], "wheel", "--no-deps", "-w", str(place.out / "dist"), "."]
    return _artifacts(place, *words, builds=[WHEEL])


def pip_wheel_without_isolation(place: Place) -> Job:
    words = [str(place.python), "-m", "pip", "wheel", "--no-build-isolation", "--no-deps"]
    return _artifacts(place, *words, "-w", str(place.out / "dist"), ".", builds=[WHEEL])


def pip_install(place: Place) -> Job:
    venv = place.virtualenv()
    words = [place.tools["pip"], "--python", str(venv / "bin" / "python"), "install", "."]
    return _job(place, *words, builds=[WHEEL], installed=[venv])


def pip_install_editable(place: Place) -> Job:
    venv = place.virtualenv()
    words = [place.tools["pip"], "--python", str(venv / "bin" / "python"), "install", "-e", "."]
    return _job(place, *words, builds=[EDITABLE], editable=[venv])


def uv_build(place: Place) -> Job:
    words = [place.tools["uv"], "build", "--out-dir", str(place.out / "dist"), "."]
    return _artifacts(place, *words, builds=[SDIST, WHEEL])


def _uv_cache(place: Place) -> list[str]:
    """Return the option for a cache of its own: from a common one, one uv takes another's wheel."""
    return ["--cache-dir", str(place.out / "cache")]


def uv_pip_install(place: Place) -> Job:
    venv = place.virtualenv()
    words = [place.tools["uv"], "pip", "install", *_uv_cache(place), "-p", str(venv), "."]
    return _job(place, *words, builds=[WHEEL], installed=[venv])


def uv_pip_install_editable(place: Place) -> Job:
    venv = place.virtualenv()
    words = [place.tools["uv"], "pip", "install", *_uv_cache(place), "-p", str(venv), "-e", "."]
    return _job(place, *words, builds=[EDITABLE], editable=[venv])


def uv_sync(place: Place) -> Job:
    venv = place.out / "venv"
    words = [place.tools["uv"], "sync", "--locked", *_uv_cache(place)]
    variables = {"UV_PROJECT_ENVIRONMENT": str(venv)}
    return _job(place, *words, builds=[EDITABLE], editable=[venv], variables=variables)


# --- tox, nox -----------------------------------------------------------------------------------

_BUILDS_OF_TOX = {"sdist": [SDIST, WHEEL], "wheel": [WHEEL], "editable": [EDITABLE]}


def tox_command(program: str, place: Place, names: str, work: Path, *options: str) -> Command:
    """Return a ``tox run`` of these environments in this work directory."""
    words = [program, *(options or ["run"]), "--workdir", str(work), "-e", names]
    return Command(words, cwd=place.root)


def _tox(program: str, place: Place, kinds: list[str], *options: str) -> Job:
    """Return one tox that has one environment of each kind, and one backend process for all."""
    work = place.out / "tox"
    names = ",".join(f"{kind}-a" for kind in kinds)
    return Job(
        commands=[tox_command(program, place, names, work, *options)],
        builds=Counter(build for kind in kinds for build in _BUILDS_OF_TOX[kind]),
        artifacts=[work / ".pkg" / "dist"],
        installed=[work / f"{kind}-a" for kind in kinds if kind != "editable"],
        editable=[work / f"{kind}-a" for kind in kinds if kind == "editable"],
    )


def tox_sdist(place: Place) -> Job:
    return _tox(place.tools["tox"], place, ["sdist"])


def tox_wheel(place: Place) -> Job:
    return _tox(place.tools["tox"], place, ["wheel"])


def tox_editable(place: Place) -> Job:
    return _tox(place.tools["tox"], place, ["editable"])


def tox_all_in_one_backend(place: Place) -> Job:
    return _tox(place.tools["tox"], place, list(_BUILDS_OF_TOX))


def tox_run_parallel(place: Place) -> Job:
    return _tox(place.tools["tox"], place, list(_BUILDS_OF_TOX), "run-parallel", "-p", "all")


def tox_with_uv(place: Place) -> Job:
    return _tox(str(place.tools.tox_uv / "tox"), place, list(_BUILDS_OF_TOX))


def _several(place: Place, work: Callable[[str], Path], kinds: list[str]) -> Job:
    names = [f"{kind}-{letter}" for kind, letter in zip(kinds, "abc", strict=False)]
    places = [(work(name), name) for name in names]
    editable = [path / name for path, name in places if name.startswith("editable")]
    return Job(
        commands=[
            tox_command(place.tools["tox"], place, name, directory) for directory, name in places
        ],
        builds=Counter(build for kind in kinds for build in _BUILDS_OF_TOX[kind]),
        artifacts=sorted({path / ".pkg" / "dist" for path, _ in places}),
        installed=[path / name for path, name in places if path / name not in editable],
        editable=editable,
    )


def several_tox_with_one_work_directory(place: Place) -> Job:
    return _several(place, lambda _: place.out / "tox", ["sdist", "wheel", "sdist"])


def several_tox_with_work_directories(place: Place) -> Job:
    return _several(place, lambda name: place.out / name, ["sdist", "wheel", "editable"])


def nox(place: Place) -> Job:
    # Where a path is longer than a shebang may be, nox makes its directory under a hashed name.
    envdir = os.path.relpath(place.out / "nox", place.root)
    words = [place.tools["nox"], "--envdir", envdir]
    bytecode = f"__pycache__/noxfile.{sys.implementation.cache_tag}.pyc"
    return _job(
        place,
        *words,
        builds=[WHEEL],
        installed=[place.out / "nox" / "installed"],
        own=["__pycache__", bytecode],  # nox imports the noxfile
    )


# --- hatch, pdm, check-manifest -----------------------------------------------------------------


def hatch_build(place: Place) -> Job:
    words = [place.tools["hatch"], "build", str(place.out / "dist")]
    return _artifacts(place, *words, builds=[SDIST, WHEEL])


def pdm_build(place: Place) -> Job:
    configuration = place.out / "pdm.toml"
    wheelhouse = place.env["PIP_FIND_LINKS"]
    configuration.write_text(f'[pypi.pypi]\nurl = "{wheelhouse}"\ntype = "find_links"\n')
    words = [str(place.tools.pdm / "pdm"), "-c", str(configuration), "build"]
    return _artifacts(
        place,
        *words,
        "-d",
        str(place.out / "dist"),
        builds=[SDIST, WHEEL],
        PDM_CHECK_UPDATE="0",
        PDM_IGNORE_SAVED_PYTHON="1",  # or it makes .pdm-python and .venv in the checkout
        VIRTUAL_ENV=str(place.tools.pdm.parent),
    )


def check_manifest(place: Place) -> Job:
    return _job(place, place.tools["check-manifest"], builds=[SDIST, SDIST])


#: What is in "several_tox_with_work_directories", one by one.
SINGLE_TOX: list[Callable[[Place], Job]] = [tox_sdist, tox_wheel, tox_editable]

#: Each frontend, once.
FRONTENDS: list[Callable[[Place], Job]] = [
    build,
    build_with_uv,
    build_without_isolation,
    pip_wheel,
    pip_wheel_without_isolation,
    pip_install,
    pip_install_editable,
    uv_build,
    uv_pip_install,
    uv_pip_install_editable,
    uv_sync,
    tox_all_in_one_backend,
    tox_run_parallel,
    tox_with_uv,
    several_tox_with_one_work_directory,
    several_tox_with_work_directories,
    nox,
    hatch_build,
    pdm_build,
    check_manifest,
]

#: Those that begin to build at once: more builds a second, nearer to each other.
QUICK: list[Callable[[Place], Job]] = [
    *[build_without_isolation] * 12,
    pip_wheel_without_isolation,
    *[uv_build] * 4,
    uv_pip_install,
    uv_pip_install_editable,
    uv_sync,
]
