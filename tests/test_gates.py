"""The gates that every change has to pass beside the tests."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent

GATES = {
    "ruff check": ["ruff", "check", "--no-cache", "."],
    "ruff format": ["ruff", "format", "--no-cache", "--check", "."],
    "mypy": ["mypy", "--cache-dir={tmp}"],
    "docs": ["sphinx", "-q", "-W", "--keep-going", "-n", "-d", "{tmp}/d", "docs", "{tmp}/html"],
}


@pytest.mark.parametrize("gate", GATES)
def test_gate(gate: str, tmp_path: Path) -> None:
    if gate == "mypy" and sys.implementation.name != "cpython":
        pytest.skip("mypy needs CPython")
    command = [word.format(tmp=tmp_path) for word in GATES[gate]]
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_nothing_names_a_place_outside_of_the_repository() -> None:
    """Neither this checkout's own path nor the host of a package registry is committed."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    hosts = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org"]
    patterns = [word for host in [*hosts, str(REPOSITORY) + "/"] for word in ("-e", host)]
    done = subprocess.run(
        ["git", "grep", "-nIF", *patterns],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
