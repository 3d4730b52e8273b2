"""The backends under comparison, and a process to call their hooks in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SAMPLES = HERE / "samples"
OURS = "isolated_backend"
PLAIN = "setuptools.build_meta"

#: The hooks of PEP 517 and PEP 660, and which argument of each is a directory to write into.
HOOKS: dict[str, str | None] = {
    "get_requires_for_build_sdist": None,
    "get_requires_for_build_wheel": None,
    "get_requires_for_build_editable": None,
    "prepare_metadata_for_build_wheel": "metadata_directory",
    "prepare_metadata_for_build_editable": "metadata_directory",
    "build_sdist": "sdist_directory",
    "build_wheel": "wheel_directory",
    "build_editable": "wheel_directory",
}

Call = tuple[str, dict[str, Any]]


def call_into(hook: str, out: Path) -> Call:
    """Return the call of a hook that is to write into *out*, if it writes anywhere."""
    parameter = HOOKS[hook]
    return hook, {parameter: str(out)} if parameter else {}


@dataclass
class Outcome:
    """What one hook returned or raised."""

    result: Any = None
    error: str = ""
    message: str = ""
    changed: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)


@dataclass
class HookProcess:
    """A process that calls hooks of one backend."""

    backend: str
    root: Path
    pristine: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)
    python: Path | str = sys.executable
    prefix: Sequence[str] = ()
    """What to put before the command: it runs this Python in a place of its own."""
    tree: Path | None = None
    """What to make anew from ``pristine``, if the root lies somewhere below it."""
    output: str = ""

    def request(self, *calls: Call) -> dict[str, Any]:
        """Return what to ask ``call_hooks.py`` for."""
        return {
            "backend": self.backend,
            "root": str(self.root),
            "tree": str(self.tree or self.root),
            "pristine": str(self.pristine) if self.pristine else None,
            "calls": [{"hook": hook, "arguments": arguments} for hook, arguments in calls],
        }

    def command(self, *calls: Call) -> list[str]:
        """Return the command that calls these hooks one after another."""
        request = json.dumps(self.request(*calls))
        return [*self.prefix, str(self.python), str(HERE / "call_hooks.py"), request]

    def __call__(self, *calls: Call) -> list[Outcome]:
        """Call the hooks one after another; with ``pristine``, each on a fresh root."""
        done = subprocess.run(
            self.command(*calls),
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.output = done.stdout
        assert done.returncode == 0, done.stdout
        return outcomes(done.stdout)


@dataclass
class HookServer(HookProcess):
    """The same for many projects: a process that is started once, as a context manager.

    Every call has a process of its own, which begins with setuptools imported.
    """

    umask: int = 0o022

    def __enter__(self) -> None:
        self._process = subprocess.Popen(
            [*self.prefix, str(self.python), str(HERE / "call_hooks.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def __call__(self, *calls: Call) -> list[Outcome]:
        """Call the hooks one after another, each on a fresh root."""
        request = self.request(*calls) | {"variables": self.environment, "umask": self.umask}
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        self.output = ""
        for line in stdout:
            self.output += line
            if line.startswith('[{"'):
                return outcomes(line)
        raise AssertionError(self.output)


def outcomes(output: str) -> list[Outcome]:
    """Return what a hook process has printed about its calls.

    Python may have said more after that, about what could not be closed at its end; and before
    that, a child that setup.py has forked may have come to the end as well.
    """
    *_, printed = (line for line in output.splitlines() if line.startswith('[{"'))
    return [Outcome(**outcome) for outcome in json.loads(printed)]
