"""setuptools' own test suite: fetched, unpacked, and run in an environment that it is made for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..corpus import environment, sdist
from ..corpus.errors import CorpusError
from ..corpus.project import Project
from ..frontends import environment as shell

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent

#: The setuptools whose tests these are; what is left out or differs is listed by their names.
SERIES = "84.*"

#: What those of its tests that we run import, and its fixtures, and the programs they start.
REQUIREMENTS = (
    "build[virtualenv]",
    "filelock",
    "jaraco.envs",
    "jaraco.path",
    "packaging",
    "path",
    "pip",
    "pytest",
    "pytest-xdist",
    "virtualenv",
)

#: Its tests of the hooks, and the same as ours.
THEIR_HOOKS = "test_build_meta.py"
OUR_HOOKS = "test_isolated_backend.py"

#: Its tests of the commands.
COMMANDS = (
    "test_bdist_wheel.py",
    "test_build_py.py",
    "test_dist_info.py",
    "test_editable_install.py",
    "test_egg_info.py",
    "test_manifest.py",
    "test_sdist.py",
)


@dataclass(frozen=True)
class Outcome:
    """What became of one test: as pytest calls it, and why if it failed."""

    outcome: str
    why: str = ""


@dataclass(frozen=True)
class Suite:
    """The unpacked sdist, with an environment that has the same setuptools and our backend.

    Args:
        place: a directory of its own; see :meth:`prepare`.
    """

    place: Path

    @property
    def version(self) -> str:
        """The version of setuptools."""
        return self._root.name.rpartition("-")[2]

    @property
    def _root(self) -> Path:
        (root,) = (self.place / "tree").iterdir()
        return root

    @property
    def _environment(self) -> environment.Environment:
        return environment.Environment(self.place / "environment")

    def _wheel(self, name: str) -> Path:
        (wheel,) = (self.place / "wheels").glob(f"{name}-*.whl")
        return wheel

    def prepare(self, cache: Path) -> None:
        """Unpack it and make the environment.

        Args:
            cache: where to keep what is fetched.

        Raises:
            CorpusError: it cannot be fetched, or there is no environment for it.
        """
        source = sdist.fetch(Project("setuptools", SERIES), cache)
        root = source.unpack(self.place / "tree")
        shutil.copy(HERE / "with_our_backend.py", root / "setuptools" / "tests" / OUR_HOOKS)
        environment.create(self._environment.path, [f"setuptools=={source.version}", *REQUIREMENTS])
        shutil.rmtree(self.place / "wheels", ignore_errors=True)
        self._build_wheel("isolated_backend", REPOSITORY)
        self._build_wheel("setuptools.build_meta", root)

    def _build_wheel(self, backend: str, project: Path) -> None:
        """Build a wheel of *project* with what is installed."""
        script = f"import sys, {backend} as backend; backend.build_wheel(sys.argv[1])"
        done = subprocess.run(
            [self._environment.python, "-c", script, str(self.place / "wheels")],
            cwd=project,
            env=self._environment.variables(self.place, self.place),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise CorpusError(f"no wheel of {project}:\n{done.stderr[-2000:]}")

    def run(
        self, tests: Sequence[str], mode: str, scratch: Path, jobs: int = 1, **variables: str
    ) -> dict[str, Outcome]:
        """Run some of its test files.

        Args:
            tests: their names.
            mode: one of :mod:`.redirection`.
            scratch: a directory for the temporary files; created.
            jobs: how many tests to run at once.
            variables: for the environment.

        Returns:
            What became of each test, by its name: ``test_sdist.py::TestSdistTest::test_x``.

        Raises:
            CorpusError: pytest could not run them.
        """
        scratch.mkdir(parents=True)
        outcomes = scratch / "outcomes.json"
        command = [self._environment.python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-o", "filterwarnings=", f"--basetemp={scratch / 'tests'}"]
        command += ["-n", str(jobs)] if jobs > 1 else []
        command += ["-p", "plugin", f"--redirection={mode}", f"--outcomes={outcomes}"]
        command += [f"--backend={self._wheel('isolated_backend')}"]
        command += [f"setuptools/tests/{name}" for name in tests]
        log = scratch / "log"
        with log.open("wb") as output:
            done = subprocess.run(
                command,
                cwd=self._root,
                env=self._variables(scratch / "tmp") | variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode not in (0, 1) or not outcomes.exists():
            raise CorpusError(f"pytest ended with {done.returncode}:\n{log.read_text()[-4000:]}")
        found = json.loads(outcomes.read_text(encoding="utf-8"))
        return {
            name.removeprefix("setuptools/tests/"): Outcome(**outcome)
            for name, outcome in found.items()
        }

    def _variables(self, temporary: Path) -> dict[str, str]:
        programs = str(self._environment.path / "bin")
        return shell(
            temporary,
            PATH=os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
            VIRTUAL_ENV=str(self._environment.path),
            PYTHONPATH=os.pathsep.join([str(self._root), str(HERE)]),
            PRE_BUILT_SETUPTOOLS_WHEEL=str(self._wheel("setuptools")),
        )
