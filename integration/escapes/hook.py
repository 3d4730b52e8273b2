"""Calling one hook in a process of its own, under strace."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..corpus import caller
from ..corpus.errors import CorpusError
from . import strace, trace
from .errors import TraceError

#: No hook of the corpus takes a quarter of this on a slow machine.
_SECONDS = 3600


@dataclass(frozen=True)
class Outcome:
    """What a hook returned or raised, and what its processes did."""

    result: Any
    error: str
    trace: trace.Trace


def call(
    request: Mapping[str, Any], root: Path, python: str, variables: dict[str, str], frontend: Path
) -> Outcome:
    """Call a hook on the project in *root*.

    Args:
        request: which, as ``integration/corpus/caller.py`` reads it, without its outcome.
        root: the project root.
        python: the interpreter to run.
        variables: the environment variables.
        frontend: a directory for what is printed, answered and recorded.

    Raises:
        CorpusError: it did not end.
        TraceError: there is no trace of it.
    """
    recorded, answer = frontend / "trace", frontend / "outcome.json"
    command = [python, caller.__file__, json.dumps({**request, "outcome": str(answer)})]
    with (frontend / "log").open("wb") as log:
        try:
            done = subprocess.run(
                [*strace.command(recorded), *command],
                cwd=root,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CorpusError(f"{request['hook']} did not end within an hour") from None
    if not recorded.exists() or not recorded.stat().st_size:
        raise TraceError(f"strace recorded nothing; see {log.name}")
    found = trace.of_file(recorded, root)
    if not answer.exists():
        return Outcome(None, f"died with exit status {done.returncode}", found)
    told = json.loads(answer.read_text(encoding="utf-8"))
    error = told.get("error", "")
    if error.endswith(f"has no attribute {request['hook']!r}"):
        error = ""  # a backend of a project's own need not have all the hooks
    return Outcome(told.get("result"), error, found)
