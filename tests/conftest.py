"""Fixtures: projects to build, and hooks to build them with in a process of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SAMPLES = HERE / "samples"
OURS = "isolated_backend"
PLAIN = "setuptools.build_meta"


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every test a TMPDIR that it can look into, and Python's usual ways."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)


@dataclass
class Outcome:
    """What one hook returned or raised."""

    result: Any = None
    error: str = ""
    message: str = ""
    changed: list[str] = field(default_factory=list)


@dataclass
class HookProcess:
    """A process that calls hooks of one backend."""

    backend: str
    root: Path
    pristine: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)
    output: str = ""

    def __call__(self, *calls: tuple[str, dict[str, Any]]) -> list[Outcome]:
        """Call the hooks one after another; with ``pristine``, each on a fresh root."""
        request = {
            "backend": self.backend,
            "root": str(self.root),
            "pristine": str(self.pristine) if self.pristine else None,
            "calls": [{"hook": hook, "arguments": arguments} for hook, arguments in calls],
        }
        done = subprocess.run(
            [sys.executable, str(HERE / "call_hooks.py"), json.dumps(request)],
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.output = done.stdout
        assert done.returncode == 0, done.stdout
        return [Outcome(**outcome) for outcome in json.loads(done.stdout.splitlines()[-1])]


@pytest.fixture
def sample(tmp_path: Path) -> Callable[[str], Path]:
    """Return a copy of one of ``tests/samples`` to build in."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(SAMPLES / name, tmp_path / "work" / name, symlinks=True))

    return copy
