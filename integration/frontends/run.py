"""Run real frontends: one, or many at the same instant."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyproject_hooks

from artifacts import members

OURS = "isolated_backend"
PLAIN = "setuptools.build_meta"

#: The directory of the integration tests.
HERE = Path(__file__).parent.parent

Members = list[tuple[object, ...]]


def environment(temporary: Path, **more: str) -> dict[str, str]:
    """Return the variables that a user's shell would have, with a TMPDIR to look into.

    Args:
        temporary: the TMPDIR; created if missing.
        more: variables to set besides.
    """
    temporary.mkdir(exist_ok=True)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PYTEST", "COV_CORE", "COVERAGE"))
    }
    return kept | {"TMPDIR": str(temporary)} | more


def build_command(python: Path, root: Path, *options: str) -> list[str]:
    """Return the command line of ``python -m build``."""
    return [str(python), "-m", "build", *options, str(root)]


@dataclass(frozen=True)
class Command:
    """One start of a program."""

    words: Sequence[str]
    cwd: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """What became of one command."""

    status: int
    output: str

    @property
    def last_line(self) -> str:
        """The last line of the output: a frontend's reason for failing."""
        return (self.output.strip().splitlines() or [""])[-1]


def failures(results: Sequence[Finished]) -> list[tuple[str, int]]:
    """Return the reasons of those that failed, and how often each was given."""
    return Counter(result.last_line for result in results if result.status).most_common()


def contents(directory: Path) -> dict[str, Members]:
    """Return the members of each artifact in *directory*, which must hold nothing else."""
    return {path.name: members(path) for path in sorted(directory.glob("*"))}


def modes(directory: Path) -> dict[str, str]:
    """Return the type and permissions of each file in *directory*."""
    return {path.name: stat.filemode(path.lstat().st_mode) for path in directory.iterdir()}


def run(command: Sequence[str], env: Mapping[str, str], umask: int = -1) -> Finished:
    """Run one command to its end."""
    done = subprocess.run(
        command,
        env=env,
        umask=umask,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Finished(done.returncode, done.stdout)


def run_at_once(
    commands: Sequence[Sequence[str] | Command],
    env: Mapping[str, str],
    logs: Path,
    meanwhile: Callable[[list[subprocess.Popen[bytes]]], None] | None = None,
) -> list[Finished]:
    """Start *commands* at the same instant and wait for all of them.

    Each waits in a process of its own, ready to go, until the last one is there; then one closed
    pipe releases them together.

    Args:
        commands: the command lines, each an absolute path and what follows it.
        env: the variables for all of them.
        logs: a directory for their output.
        meanwhile: called when they have started, before any is waited for; each is the leader
            of a session of its own then.
    """
    logs.mkdir(parents=True, exist_ok=True)
    ready, tell_ready = os.pipe()
    started, start = os.pipe()
    processes = []
    barrier = [
        sys.executable,
        str(HERE / "frontends" / "barrier.py"),
        str(tell_ready),
        str(started),
    ]
    for number, words in enumerate(commands):
        command = words if isinstance(words, Command) else Command(words)
        with open(logs / f"{number}.log", "wb") as log:
            processes.append(
                subprocess.Popen(
                    [*barrier, *command.words],
                    cwd=command.cwd,
                    env={**env, **command.variables},
                    pass_fds=(tell_ready, started),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=meanwhile is not None,
                )
            )
    os.close(tell_ready)
    os.close(started)
    with open(ready, "rb") as reports:
        waiting = len(reports.read())
    os.close(start)
    if meanwhile:
        meanwhile(processes)
    statuses = [process.wait() for process in processes]
    assert waiting == len(commands), "a process has not come to the start"
    return [
        Finished(status, (logs / f"{number}.log").read_text(errors="replace"))
        for number, status in enumerate(statuses)
    ]


def collides(build: Sequence[str], right: Reference, env: Mapping[str, str], place: Path) -> bool:
    """Tell whether eight such builds at once fail, or make something else: in one of five rounds.

    That is a control: in one round, a machine with much else to do may run them by turns.

    Args:
        build: the command line, but for the output directory.
        right: the artifacts of one alone.
        env: the variables.
        place: a directory for the artifacts and the output.
    """
    for turn in range(5):
        out = [place / f"out{turn}-{number}" for number in range(8)]
        commands = [[*build, "--outdir", str(directory)] for directory in out]
        results = run_at_once(commands, env, place / f"logs{turn}")
        if failures(results) or any(contents(path) != right.members for path in out):
            return True
    return False


@dataclass(frozen=True)
class Reference:
    """The artifacts that plain setuptools builds from a tree, one after the other."""

    members: dict[str, Members]
    modes: dict[str, str]


def reference(python: Path, root: Path, scratch: Path, umask: int = -1) -> Reference:
    """Build the tree at *root* with plain setuptools, whatever its pyproject.toml names.

    Args:
        python: the interpreter of an environment with setuptools.
        root: the tree; a copy of it is built.
        scratch: a directory for the copy and the artifacts; created.
        umask: the umask to build under; -1 for the one there is.
    """
    copy = shutil.copytree(root, scratch / root.name, symlinks=True)
    out = scratch / "out"
    out.mkdir()

    def quietly(
        cmd: Sequence[str],
        cwd: str | None = None,
        extra_environ: Mapping[str, str] | None = None,
    ) -> None:
        subprocess.run(
            cmd,
            cwd=cwd,
            env=environment(scratch / "temporary", **(extra_environ or {})),
            umask=umask,
            capture_output=True,
            check=True,
        )

    hooks = pyproject_hooks.BuildBackendHookCaller(
        str(copy), PLAIN, runner=quietly, python_executable=str(python)
    )
    hooks.build_sdist(str(out))
    hooks.build_wheel(str(out))
    return Reference(
        members=contents(out),
        modes=modes(out),
    )
