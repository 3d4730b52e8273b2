"""Processes that are not left running, however the command ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def start(
    command: Sequence[str],
    variables: Mapping[str, str],
    cwd: Path | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """Start *command* in a process group of its own, so that :func:`kill` gets all of it.

    Ctrl-C in a terminal does not reach it: whoever starts it has to kill it.

    Args:
        command: the command line.
        variables: its environment.
        cwd: its current directory.
        stdin: where its input comes from.
        stdout: where its output goes, errors and all.
    """
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=variables,
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def run(
    command: Sequence[str], variables: Mapping[str, str], cwd: Path | None = None
) -> tuple[int, str]:
    """Run *command* and return its exit status and its output.

    Args:
        command: the command line.
        variables: its environment.
        cwd: its current directory.
    """
    process = start(command, variables, cwd)
    try:
        output, _ = process.communicate()
    except BaseException:
        kill(process)
        raise
    return process.returncode, output.decode(errors="replace")


def kill(process: subprocess.Popen[bytes]) -> None:
    """End *process*, which :func:`start` has started, and whatever it has started itself."""
    if sys.platform == "win32":
        subprocess.run(
            [shutil.which("taskkill") or "taskkill", "/F", "/T", "/PID", str(process.pid)],
            capture_output=True,
            check=False,
        )
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
