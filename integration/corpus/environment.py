"""One virtual environment per project, with just what its build needs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import CorpusError, first_error_line

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "isolated_backend"

#: What our package needs. setuptools is the newest one that the project's requirements allow.
OUR_REQUIREMENTS = ("setuptools", "wheel", "packaging", "filelock>=3.30")


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    path: Path

    @property
    def python(self) -> str:
        """The path of its interpreter."""
        return str(self.path / "bin" / "python")

    def variables(self, temporary: Path, ceiling: Path) -> dict[str, str]:
        """Return the variables of a build: nothing of the caller's Python, no SOURCE_DATE_EPOCH.

        With that, archives are by design not what setuptools makes.

        Args:
            temporary: the TMPDIR.
            ceiling: where git stops looking for a repository.
        """
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "PYTEST_", "COVERAGE_", "COV_CORE_", "SETUPTOOLS_"))
            and name != "SOURCE_DATE_EPOCH"
        }
        return inherited | {
            "PATH": os.pathsep.join((str(self.path / "bin"), os.environ.get("PATH", os.defpath))),
            "VIRTUAL_ENV": str(self.path),
            "PYTHONHASHSEED": "0",
            "PYTHONNOUSERSITE": "1",
            "TMPDIR": str(temporary),
            "GIT_CEILING_DIRECTORIES": str(ceiling),
        }

    def install_ours(self) -> None:
        """Put our package, as it is in this checkout, into the environment."""
        (library,) = self.path.glob("lib/python*/site-packages")
        shutil.rmtree(library / PACKAGE.name, ignore_errors=True)
        shutil.copytree(
            PACKAGE, library / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__")
        )


def create(path: Path, requirements: Iterable[str], python: str = sys.executable) -> Environment:
    """Return an environment at *path* with *requirements* and ours; make it unless it is there.

    Args:
        path: where.
        requirements: what to install.
        python: the interpreter that it is made of.

    Raises:
        CorpusError: a requirement cannot be installed.
    """
    wanted = sorted({*requirements, *OUR_REQUIREMENTS})
    stamp = path / "corpus.json"
    if not stamp.exists() or json.loads(stamp.read_text(encoding="utf-8")) != wanted:
        shutil.rmtree(path, ignore_errors=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path, wanted, python)
        stamp.write_text(json.dumps(wanted), encoding="utf-8")
    environment = Environment(path)
    environment.install_ours()
    return environment


def source_digest() -> str:
    """Return a digest of our backend's source, which results depend on.

    The command line in ``cli`` takes no part in a build.
    """
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.is_relative_to(PACKAGE / "cli"):
            continue
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _make(path: Path, requirements: list[str], base: str) -> None:
    uv = _uv()
    python = str(path / "bin" / "python")
    if uv is not None:
        commands = [
            [uv, "venv", "--quiet", "--python", base, str(path)],
            [uv, "pip", "install", "--quiet", "--python", python, *requirements],
        ]
    else:
        commands = [
            [base, "-m", "venv", str(path)],
            [python, "-m", "pip", "install", "--quiet", *requirements],
        ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CorpusError(f"no environment: {first_error_line(done.stderr or done.stdout)}")


def _uv() -> str | None:
    """Return the path of uv, which makes environments ten times as fast; ``None`` without it."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv")
