"""Promise 4: a build that is killed at any instant leaves no partial file, and nothing behind."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from artifacts import members
from snapshot import snapshot

from .conftest import Environment, OtherFileSystem
from .frontends import OURS, build_command, contents, reference, run
from .projects import src_layout

pytestmark = pytest.mark.usefixtures("whole_machine")


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.long)])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["same", "other"])
def test_killed_at_random_instants(
    kills: int,
    elsewhere: bool,
    venv: Environment,
    env: dict[str, str],
    other: OtherFileSystem,
    tmp_path: Path,
) -> None:
    """Until so many builds were killed while they ran, with TMPDIR on the same disk or another."""
    root = src_layout(tmp_path / "killed", OURS, files=100)
    right = reference(venv.python, root, tmp_path / "reference")
    before = snapshot(root)
    prefix = other.prefix if elsewhere else []
    env["TMPDIR"] = str(other.path) if elsewhere else env["TMPDIR"]

    def build_into(out: Path) -> list[str]:
        return [*prefix, *build_command(venv.python, root, "-nsw", "--outdir", str(out))]

    instants = random.Random(kills)
    length = _build(build_into(tmp_path / "first"), env)
    killed = 0
    while killed < kills:
        out = tmp_path / f"out{killed}"
        shutil.rmtree(out, ignore_errors=True)

        killed += _kill_after(length * instants.random(), build_into(out), env)

        assert snapshot(root) == before
        for path in out.glob("*"):
            assert members(path) == right.members[path.name]

        length = _build(build_into(out), env)

        assert contents(out) == right.members
        assert snapshot(root) == before
        assert _left_in(Path(env["TMPDIR"])) == []


def _build(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Build undisturbed; return the seconds that it took."""
    start = time.monotonic()
    done = run(command, env)
    assert done.status == 0, done.output
    return time.monotonic() - start


def _kill_after(seconds: float, build: Sequence[str], env: Mapping[str, str]) -> bool:
    """Kill the process group of a build after so many seconds.

    All its processes have inherited one end of a pipe, as their standard input: when the other
    end reports that it is closed, the last of them is gone.

    Returns:
        Whether the build was still running.
    """
    theirs_closed, theirs = os.pipe()
    process = subprocess.Popen(
        build,
        env=env,
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    with open(theirs_closed, "rb") as pipe:
        pipe.read()
    return process.returncode == -signal.SIGKILL


def _left_in(temporary: Path) -> list[str]:
    """Return what is in the shadows below *temporary*; the next build has wiped them."""
    return [
        str(path.relative_to(temporary))
        for path in temporary.glob("isolated-backend*/*/*")
        if path.is_dir()
    ]
