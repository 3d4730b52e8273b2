"""Calling a hook of a backend in a process of its own."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import CorpusError

if TYPE_CHECKING:
    from .environment import Environment

_CALLER = Path(__file__).with_name("caller.py")

#: No hook of the corpus takes a quarter of this on a slow machine.
_SECONDS = 3600


@dataclass(frozen=True)
class Outcome:
    """What a hook returned, or the first line of what it raised."""

    result: Any
    error: str
    setuptools: str


def call(
    hook: str,
    *,
    backend: str,
    path: Sequence[str],
    ours: bool,
    slow: bool,
    root: Path,
    environment: Environment,
    variables: dict[str, str],
    arguments: dict[str, str],
    log: Path,
) -> Outcome:
    """Call *hook* of *backend* on the project in *root*.

    Args:
        hook: its name; empty to import the backend only.
        backend: ``module`` or ``module:object``.
        path: the project's ``backend-path``.
        ours: whether an own backend of the project is to build with ours.
        slow: whether our backend is to take no shortcuts.
        root: the project root.
        environment: where to run.
        variables: the environment variables.
        arguments: the hook's arguments.
        log: the file that gets what the hook prints.

    Raises:
        CorpusError: the process died without an outcome.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, log.open("wb") as output:
        outcome = Path(directory, "outcome.json")
        request = {
            "backend": backend,
            "path": list(path),
            "ours": ours,
            "slow": slow,
            "hook": hook,
            "arguments": arguments,
            "outcome": str(outcome),
        }
        try:
            done = subprocess.run(
                [environment.python, str(_CALLER), json.dumps(request)],
                cwd=root,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CorpusError(f"{hook} of {backend} did not end within an hour") from None
        if not outcome.exists():
            raise CorpusError(f"{hook} of {backend} died with exit status {done.returncode}")
        found = json.loads(outcome.read_text(encoding="utf-8"))
    return Outcome(found.get("result"), found.get("error", ""), found.get("setuptools", ""))
