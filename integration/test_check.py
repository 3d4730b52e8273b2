"""`isolated-backend check` under real load, with its control: plain setuptools collides."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from isolated_backend.cli import check, demo, main, project, report
from isolated_backend.cli.frontend import BUILD

if TYPE_CHECKING:
    from pathlib import Path


def test_plain_setuptools_collides_and_isolated_backend_does_not(tmp_path: Path) -> None:
    root = demo.generate(tmp_path / "demo", modules=300)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    found = check.check(project.find(str(root)), 8, BUILD, scratch, report.Display())

    control = found.own
    assert control.backend == "setuptools.build_meta"
    assert len(control.results) == 16
    assert control.errors or control.differing, "the load is too light to show anything"
    assert {"build/", "src/sample.egg-info/"} <= set(control.changes.created)
    assert not control.perfect

    assert found.isolated.backend == "isolated_backend"
    assert found.isolated.errors == []
    assert found.isolated.differing == {}
    assert found.isolated.changes.paths == ()
    assert found.isolated.same == 16
    assert found.isolated.perfect


@pytest.mark.parametrize("files", [["setup.py"], ["setup.py", "pyproject.toml"]])
def test_legacy_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: list[str]
) -> None:
    root = tmp_path / "demo"
    root.mkdir()
    for name in files:
        (root / name).touch()
    (root / "setup.py").write_text("import setuptools; setuptools.setup(name='demo')\n")
    assert main(["check", str(root), "-n", "1"]) == 0
    assert "with isolated_backend:__legacy__ all 2 builds came out right" in capsys.readouterr().out


def test_this_project(capsys: pytest.CaptureFixture[str]) -> None:
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    assert main(["check", root, "-n", "1"]) == 0
    assert "with isolated_backend all 2 builds came out right" in capsys.readouterr().out


def test_a_project_that_writes_into_its_own_tree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = demo.generate(tmp_path / "demo", modules=1)
    (root / "setup.py").write_text(
        "import pathlib, setuptools\n"
        "pathlib.Path('src/sample/_version.py').write_text('1')\n"
        "setuptools.setup()\n"
    )
    assert main(["check", str(root), "-n", "1"]) == 1
    out = capsys.readouterr().out
    assert "The project's own build writes what changed, even when it is alone." in out
    assert "src/sample/_version.py" in out


NEEDS_SIGNALS = pytest.mark.skipif(sys.platform == "win32", reason="needs signals for one process")


@NEEDS_SIGNALS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["asking", "building"])
def test_interruption_leaves_nothing(tmp_path: Path, moment: str, number: int) -> None:
    """Neither a process, not even one that setup.py has started, nor a temporary file."""
    root = demo.generate(tmp_path / "demo", modules=1)
    started = tmp_path / "started"
    started.mkdir()
    (root / "setup.py").write_text(
        "import os, subprocess, sys, setuptools\n"
        f"if {moment!r} == 'asking' or 'bdist_wheel' in sys.argv:\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"    open(os.path.join({str(started)!r}, str(child.pid)), 'w').close()\n"
        "    child.wait()\n"
        "setuptools.setup()\n"
    )
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    command = [sys.executable, "-m", "isolated_backend.cli", "check", str(root)]
    variables = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE) as process:
        while not any(started.iterdir()):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(60) == 130
    assert list(temporary.iterdir()) == []
    for path in started.iterdir():
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", path.name], capture_output=True, check=False
        )
        assert state.stdout.strip()[:1] in (b"", b"Z"), "it is still running"
