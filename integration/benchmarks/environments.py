"""The environments that the contestants are measured in, and what uv needs to make its own."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..corpus.errors import first_error_line
from .contestants import ISOLATED, PLAIN, Backend
from .errors import BenchmarkError

REPOSITORY = Path(__file__).resolve().parents[2]

#: Frontends that are part of an environment.
_FRONTENDS = ("build", "pip")

_VERSIONS = """
import json
from importlib.metadata import distributions
print(json.dumps({each.name.lower().replace("_", "-"): each.version for each in distributions()}))
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    path: Path

    @property
    def python(self) -> str:
        """The path of its interpreter."""
        return str(self.path / "bin" / "python")

    @cached_property
    def versions(self) -> dict[str, str]:
        """What is installed: canonical names and versions."""
        found: dict[str, str] = json.loads(run(self.python, "-I", "-c", _VERSIONS))
        return found

    def variables(self, temporary: Path) -> dict[str, str]:
        """Return the variables of a user's shell in which the environment is active.

        Args:
            temporary: the TMPDIR.
        """
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "PYTEST", "COV_CORE", "COVERAGE", "PIP_", "UV_"))
        }
        return kept | {
            "PATH": os.pathsep.join((str(self.path / "bin"), os.environ.get("PATH", os.defpath))),
            "VIRTUAL_ENV": str(self.path),
            "TMPDIR": str(temporary),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }


class Environments:
    """All of them, made when they are asked for.

    Args:
        cache: the directory where they are kept. What they hold stays as new as it was when they
            were made; but our package is always that of this checkout.
        work: a directory of this run.
    """

    def __init__(self, cache: Path, work: Path) -> None:
        self._directory = cache / "environments"
        self._work = work
        self._made: dict[tuple[str, ...], Environment] = {}

    def of(self, backend: Backend) -> Environment:
        """Return the one that *backend* is measured in.

        Raises:
            BenchmarkError: something cannot be installed.
        """
        if backend.environment not in self._made:
            self._made[backend.environment] = self._make(backend)
        return self._made[backend.environment]

    @cached_property
    def wheelhouse(self) -> Path:
        """A directory with the wheels of the environment of setuptools and ours.

        Raises:
            BenchmarkError: one cannot be fetched.
        """
        environment = self.of(PLAIN.backend)
        names = [Requirement(each).name for each in PLAIN.backend.environment]
        pinned = [f"{name}=={environment.versions[name]}" for name in names]
        directory = self._own_wheel.parent
        run(environment.python, *_PIP, "download", "--no-deps", "--dest", str(directory), *pinned)
        return directory

    @cached_property
    def uv(self) -> str:
        """The path of uv; empty if it is not installed."""
        beside = Path(sys.executable).with_name("uv")
        return str(beside) if beside.exists() else shutil.which("uv") or ""

    def versions(self, backends: Iterable[Backend]) -> dict[str, str]:
        """Return the versions of Python, the frontends, and what *backends* are made of."""
        found = {"Python": platform.python_version()}
        if self.uv:
            found["uv"] = run(self.uv, "--version").split()[1]
        for backend in backends:
            installed = self.of(backend).versions
            names = (*_FRONTENDS, *(Requirement(each).name for each in backend.environment))
            found |= {name: installed[canonicalize_name(name)] for name in names}
        return found

    @cached_property
    def _own_wheel(self) -> Path:
        """A wheel of this checkout."""
        directory = self._work / "wheelhouse"
        python = Environment(self._directory / PLAIN.backend.name).python
        options = ("--no-deps", "--no-build-isolation", "--wheel-dir", str(directory))
        run(python, *_PIP, "wheel", *options, str(REPOSITORY))
        return next(directory.glob(f"{ISOLATED.module}-*.whl"))

    def _make(self, backend: Backend) -> Environment:
        is_ours = backend.environment == PLAIN.backend.environment
        path = self._directory / (PLAIN.backend.name if is_ours else backend.name)
        wanted = [*backend.environment, *_FRONTENDS]
        stamp = path / "benchmarks.json"
        if not stamp.exists() or json.loads(stamp.read_text(encoding="utf-8")) != wanted:
            shutil.rmtree(path, ignore_errors=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            run(sys.executable, "-m", "venv", str(path))
            run(Environment(path).python, *_PIP, "install", "--upgrade", *wanted)
            stamp.write_text(json.dumps(wanted), encoding="utf-8")
        environment = Environment(path)
        if is_ours:
            options = ("--no-deps", "--no-index", "--force-reinstall")
            run(environment.python, *_PIP, "install", *options, str(self._own_wheel))
        return environment


_PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input")


def run(*command: str) -> str:
    """Run *command* and return its output.

    Raises:
        BenchmarkError: it fails.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(
            f"`{os.path.basename(command[0])} {' '.join(command[1:4])} …` fails: "
            f"{first_error_line(done.stderr or done.stdout)}"
        )
    return done.stdout
