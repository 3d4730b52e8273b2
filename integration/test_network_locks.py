"""Builds on file systems with other locks: those of NFS, by a preloaded library, and none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .frontends.run import Command, Finished, environment, failures, run_at_once
from .generators import PROGRAMS, WINDOW, project
from .test_unseen_writers import HOOK, build_at_once

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="preloads a library of Linux"),
    pytest.mark.skipif(shutil.which("cc") is None, reason="needs a compiler"),
]

PYTHON = Path(sys.executable)
PREFIX = "isolated-backend: "


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Compile the library that imitates NFS."""
    source, library = Path(__file__).with_name("nfs.c"), tmp_path / "nfs.so"
    command = ["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return library


def at_once(root: Path, place: Path, hooks: list[str], **variables: str) -> list[Finished]:
    """Run *hooks* of the project in *root* at once."""
    commands = []
    for number, hook in enumerate(hooks):
        out = place / f"out{number}"
        out.mkdir(parents=True)
        commands.append(Command([str(PYTHON), "-c", HOOK, hook, str(out)], root, {WINDOW: "0.1"}))
    return run_at_once(commands, environment(place / "tmp", **variables), place / "logs")


@pytest.mark.usefixtures("whole_machine")
def test_what_writers_make_on_nfs_is_whole(library: Path, tmp_path: Path) -> None:
    root = project(tmp_path / "root", PROGRAMS["subprocess"], PYTHON)
    assert build_at_once(PYTHON, [root], tmp_path / "place", LD_PRELOAD=str(library)) == []


@pytest.mark.usefixtures("whole_machine")
def test_without_a_lock_it_is_not(library: Path, tmp_path: Path) -> None:
    """The control."""
    settings = 'in-tree-writes = "allow"'
    for number in range(10):
        root = project(tmp_path / f"root{number}", PROGRAMS["subprocess"], PYTHON, settings)
        place = tmp_path / f"place{number}"
        if build_at_once(PYTHON, [root], place, LD_PRELOAD=str(library)):
            return
    pytest.fail("nothing was wrong in ten rounds")


def test_editable_installs_take_turns_on_nfs(library: Path, tmp_path: Path) -> None:
    root = project(tmp_path / "root", "", PYTHON)
    hooks = ["build_editable"] * 2 + ["build_wheel"] * 2
    results = at_once(root, tmp_path / "place", hooks, LD_PRELOAD=str(library))
    assert failures(results) == []


def test_readers_do_not_wait_for_each_other_on_nfs(library: Path, tmp_path: Path) -> None:
    """Without any patience: whoever had to wait would fail."""
    root = project(tmp_path / "root", "", PYTHON, "lock-timeout = 0")
    hooks = ["build_wheel", "build_sdist"] * 4
    results = at_once(root, tmp_path / "place", hooks, LD_PRELOAD=str(library))
    assert failures(results) == []
    assert not any("waiting for" in result.output for result in results)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any file")
def test_a_pyproject_that_cannot_be_written_cannot_be_locked_on_nfs(
    library: Path, tmp_path: Path
) -> None:
    root = project(tmp_path / "root", PROGRAMS["subprocess"], PYTHON)
    (root / "pyproject.toml").chmod(0o444)
    (result,) = at_once(root, tmp_path / "place", ["build_wheel"], LD_PRELOAD=str(library))
    assert result.last_line.startswith(f"{PREFIX}There is no lock that keeps other builds from")


def test_without_any_locks_who_reads_builds_and_who_writes_is_refused(
    library: Path, tmp_path: Path
) -> None:
    variables = {"LD_PRELOAD": str(library), "LOCKS": "none"}
    reader = project(tmp_path / "reader", "", PYTHON)
    results = at_once(reader, tmp_path / "one", ["build_wheel", "build_sdist"], **variables)
    assert failures(results) == []
    writer = project(tmp_path / "writer", PROGRAMS["subprocess"], PYTHON)
    (result,) = at_once(writer, tmp_path / "two", ["build_wheel"], **variables)
    assert result.last_line.startswith(f"{PREFIX}There is no lock that keeps other builds from")


def test_what_the_user_has_locked_around_a_build_is_no_obstacle(tmp_path: Path) -> None:
    """``flock pyproject.toml`` with two builds in it, which take turns with each other."""
    if shutil.which("flock") is None:
        pytest.skip("there is no flock(1)")
    root = project(tmp_path / "root", PROGRAMS["subprocess"], PYTHON)
    command = f"{PYTHON} -c '{HOOK}' build_wheel"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    script = f"{command} {tmp_path}/one & {command} {tmp_path}/two && wait $!"
    done = subprocess.run(
        ["flock", "pyproject.toml", "sh", "-c", script],
        cwd=root,
        env=environment(tmp_path / "tmp", **{WINDOW: "0.1"}),
        timeout=100,
        check=False,
    )
    assert done.returncode == 0
    assert len(list(tmp_path.glob("*/*.whl"))) == 2
