"""Builds that start at the same instant, each in a process of its own."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import process

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

# What each process does first. All wait for a byte from one pipe; the parent writes all bytes at
# once. If it dies instead, they read the end of the pipe and end, too.
_WAIT_THEN_RUN = """
import os, sys
os.write(1, b"ready\\n")
if os.read(0, 1):
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if os.name == "nt":  # exec would let the parent believe that the process has ended
        import subprocess
        sys.exit(subprocess.call(sys.argv[1:]))
    os.execvp(sys.argv[1], sys.argv[1:])
"""
_READY = b"ready\n"

_PAUSE = 0.01  # seconds between two looks at the processes


@dataclass(frozen=True)
class Build:
    """A build to run.

    Attributes:
        command: the frontend's command line.
        place: a directory for it alone, to be made; the current one when it runs.
        dist: the directory, in *place*, where the frontend puts the artifact and no other file.
        variables: what to set in its environment.
        files: the text of files that it needs.
    """

    command: Sequence[str]
    place: Path
    dist: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[Path, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """A build that has ended.

    Attributes:
        status: the exit status.
        output: what it printed, both streams.
        artifact: the artifact, if the build succeeded.
    """

    status: int
    output: str
    artifact: Path | None

    @property
    def failed(self) -> bool:
        """Whether there is no artifact to use."""
        return self.artifact is None


def at_once(
    builds: Sequence[Build],
    variables: Mapping[str, str],
    ended: Callable[[int, Outcome], None] = lambda number, outcome: None,
) -> tuple[list[Outcome], float]:
    """Start *builds* at the same instant and wait for all of them.

    However this is left, none of their processes is left running.

    Args:
        builds: what to run.
        variables: the environment of the processes, but for what each build sets.
        ended: is called with the number of each build and its outcome as soon as that is known.

    Returns:
        The outcomes, in the order of *builds*, and the seconds from the start to the last end.
    """
    gate, release = os.pipe()
    running: dict[int, subprocess.Popen[bytes]] = {}
    outcomes: dict[int, Outcome] = {}
    try:
        for number, build in enumerate(builds):
            running[number] = _waiting(build, gate, variables)
        while not all(map(_is_ready, builds, running.values())):
            time.sleep(_PAUSE)
        start = time.perf_counter()
        os.write(release, b"!" * len(builds))
        while running:
            for number, started in list(running.items()):
                if started.poll() is not None:
                    outcomes[number] = _outcome(builds[number], started.returncode)
                    del running[number]
                    ended(number, outcomes[number])
            time.sleep(_PAUSE)
        seconds = time.perf_counter() - start
    finally:
        for started in running.values():
            process.kill(started)
        os.close(gate)
        os.close(release)
    return [outcomes[number] for number in range(len(builds))], seconds


def _log(build: Build) -> Path:
    return build.place.with_name(build.place.name + ".log")


def _waiting(build: Build, gate: int, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a process that waits at *gate* to run *build*."""
    build.place.mkdir(parents=True)
    for path, text in build.files.items():
        path.write_text(text, encoding="utf-8")
    command = [sys.executable, "-I", "-S", "-c", _WAIT_THEN_RUN, *build.command]
    environment = {**variables, **build.variables}
    with _log(build).open("wb") as log:
        return process.start(command, environment, build.place, stdin=gate, stdout=log)


def _is_ready(build: Build, started: subprocess.Popen[bytes]) -> bool:
    return _log(build).stat().st_size >= len(_READY) or started.poll() is not None


def _outcome(build: Build, status: int) -> Outcome:
    output = _log(build).read_bytes().removeprefix(_READY).decode(errors="replace")
    # uv puts a .gitignore beside the artifact.
    artifacts = sorted(path for path in build.dist.glob("*") if not path.name.startswith("."))
    if status == 0 and len(artifacts) != 1:
        output += f"\nerror: the frontend succeeded, but made {len(artifacts)} artifacts\n"
    complete = status == 0 and len(artifacts) == 1
    return Outcome(status, output, artifacts[0] if complete else None)
