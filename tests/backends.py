"""The backends under comparison, and a process to call their hooks in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SAMPLES = HERE / "samples"
OURS = "isolated_backend"
PLAIN = "setuptools.build_meta"


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
    python: str = sys.executable
    output: str = field(default="", init=False)

    def __call__(self, *calls: tuple[str, dict[str, Any]]) -> list[Outcome]:
        """Call the hooks one after another; with ``pristine``, each on a fresh root."""
        request = {
            "backend": self.backend,
            "root": str(self.root),
            "pristine": str(self.pristine) if self.pristine else None,
            "calls": [{"hook": hook, "arguments": arguments} for hook, arguments in calls],
        }
        done = subprocess.run(
            [self.python, str(HERE / "call_hooks.py"), json.dumps(request)],
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.output = done.stdout
        assert done.returncode == 0, done.stdout
        return [Outcome(**outcome) for outcome in json.loads(done.stdout.splitlines()[-1])]
