"""Promise 4: a build that is killed at any instant leaves no partial file, and nothing behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from artifacts import members
from snapshot import snapshot

from .conftest import Environment
from .frontends import build_command, contents, reference, run
from .projects import src_layout

pytestmark = pytest.mark.usefixtures("whole_machine")


@pytest.mark.parametrize("kills", [10, pytest.param(100, marks=pytest.mark.long)])
def test_killed_at_random_instants(
    kills: int, venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    """The instants are spread over the length of a build; the seed of each is its number."""
    root = src_layout(tmp_path / "killed", "isolated_backend", files=100)
    right = reference(venv.python, root, tmp_path / "reference")
    before = snapshot(root)
    length = _length_of(build_command(venv.python, root, "-nsw"), env, tmp_path / "warm")
    killed = 0
    for number in range(kills):
        out = tmp_path / f"out{number}"
        build = build_command(venv.python, root, "-nsw", "--outdir", str(out))
        instant = length * (number + random.Random(number).random()) / kills

        killed += _kill_after(instant, build, env)

        assert snapshot(root) == before
        for path in out.glob("*"):
            assert members(path) == right.members[path.name]

        done = run(build, env)

        assert done.status == 0, done.output
        assert contents(out) == right.members
        assert snapshot(root) == before
        assert _left_in(Path(env["TMPDIR"])) == []
    assert killed > kills // 2  # or this has hardly tested anything


def _length_of(build: Sequence[str], env: Mapping[str, str], out: Path) -> float:
    """Return the seconds that a build takes, the second time."""
    for _ in range(2):
        start = time.monotonic()
        done = run([*build, "--outdir", str(out)], env)
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
