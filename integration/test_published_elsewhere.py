"""Promise 4, where it is hard: other file systems, a TMPDIR in the root, umasks, old artifacts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from snapshot import snapshot

from .conftest import Environment, OtherFileSystem
from .frontends import (
    PLAIN,
    build_command,
    collides,
    contents,
    failures,
    modes,
    reference,
    run,
    run_at_once,
)
from .projects import SDIST, WHEEL, src_layout

#: Takes all there is, also in a TMPDIR that lies in the root.
TEMPLATE = "graft .\nglobal-include *\n"

#: Runs the program "build" with a directory for its own temporary files, which are there for the
#: length of a call: no backend could keep them out of the list.
BUILD = "import runpy, sys, tempfile; tempfile.tempdir = sys.argv.pop(1); "
BUILD += "runpy.run_module('build', run_name='__main__', alter_sys=True)"


@pytest.mark.parametrize("umask", [0o077, 0o022, 0o002], ids="{:03o}".format)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["same", "other"])
@pytest.mark.parametrize("there_before", [False, True], ids=["new", "replaced"])
def test_permissions_are_those_of_setuptools(
    umask: int,
    elsewhere: bool,
    there_before: bool,
    small: Path,
    venv: Environment,
    env: dict[str, str],
    other: OtherFileSystem,
    tmp_path: Path,
) -> None:
    """Of the artifacts and of their members, also in place of older ones with other modes."""
    right = reference(venv.python, small, tmp_path / "reference", umask)
    out = tmp_path / "out"
    out.mkdir()
    if there_before:
        for name in (SDIST, WHEEL):
            (out / name).write_bytes(b"older")
            (out / name).chmod(0o600)
    prefix = other.prefix if elsewhere else []
    env["TMPDIR"] = str(other.path) if elsewhere else env["TMPDIR"]

    build = build_command(venv.python, small, "-nsw", "--outdir", str(out))
    done = run([*prefix, *build], env, umask)

    assert done.status == 0, done.output
    assert contents(out) == right.members
    assert modes(out) == right.modes


@pytest.mark.usefixtures("whole_machine")
@pytest.mark.parametrize("turns", [1, pytest.param(20, marks=pytest.mark.long)])
def test_eight_publish_from_another_file_system(
    turns: int,
    small: Path,
    venv: Environment,
    env: dict[str, str],
    other: OtherFileSystem,
    tmp_path: Path,
) -> None:
    """Into one directory, in the place of each other's artifacts."""
    right = reference(venv.python, small, tmp_path / "reference")
    out = tmp_path / "out"
    env["TMPDIR"] = str(other.path)
    build = [*other.prefix, *build_command(venv.python, small, "-nsw", "--outdir", str(out))]
    build[0] = shutil.which(build[0]) or build[0]
    before = snapshot(small)
    for turn in range(turns):
        results = run_at_once([build] * 8, env, tmp_path / f"logs{turn}")

        assert failures(results) == []
        assert contents(out) == right.members
        assert modes(out) == right.modes
        assert snapshot(small) == before


@pytest.mark.usefixtures("whole_machine")
@pytest.mark.parametrize("turns", [1, pytest.param(20, marks=pytest.mark.long)])
def test_eight_with_tmpdir_in_the_root(
    turns: int, small: Path, venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    """With a template that takes everything there is, the shadows stay out of it."""
    (small / "MANIFEST.in").write_text(TEMPLATE)
    right = reference(venv.python, small, tmp_path / "reference")
    temporary = small / "temporary"
    temporary.mkdir()
    env["TMPDIR"] = str(temporary)
    build = [str(venv.python), "-c", BUILD, str(tmp_path), "-nsw", str(small)]
    before = _without_temporary(small)
    for turn in range(turns):
        out = [tmp_path / f"out{turn}-{number}" for number in range(8)]
        results = run_at_once(
            [[*build, "--outdir", str(directory)] for directory in out],
            env,
            tmp_path / f"logs{turn}",
        )

        assert failures(results) == []
        for directory in out:
            assert contents(directory) == right.members
        assert _without_temporary(small) == before


@pytest.mark.usefixtures("whole_machine")
@pytest.mark.parametrize("inside", [False, True], ids=["other", "in_root"])
def test_plain_setuptools_collides_at_eight(
    inside: bool,
    venv: Environment,
    env: dict[str, str],
    other: OtherFileSystem,
    tmp_path: Path,
) -> None:
    """The controls."""
    root = src_layout(tmp_path / "plain", PLAIN, files=20)
    if inside:
        (root / "MANIFEST.in").write_text(TEMPLATE)
    right = reference(venv.python, root, tmp_path / "reference")
    temporary = root / "temporary" if inside else other.path
    temporary.mkdir(exist_ok=True)
    env["TMPDIR"] = str(temporary)
    assert collides(build_command(venv.python, root, "-nsw"), right, env, tmp_path)


def _without_temporary(root: Path) -> dict[str, object]:
    """Return a snapshot of *root* without the TMPDIR in it."""
    found = snapshot(root)
    return {
        name: value for name, value in found.items() if not name.startswith(f"temporary{os.sep}")
    }
