"""`isolated-backend check` under real load, with its control: plain setuptools collides."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from isolated_backend.cli import check, demo, main, project, report
from isolated_backend.cli.display import Display
from isolated_backend.cli.frontend import named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ALL = "build,uv,pip,tox"


@pytest.mark.parametrize("frontends", ["build", ALL])
@pytest.mark.usefixtures("whole_machine")
def test_plain_setuptools_collides_and_isolated_backend_does_not(
    frontends: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setenv("CI", "1")  # tox is different there
    root = demo.generate(tmp_path / "a demo {x} #1", modules=300)
    (root / "tox.ini").write_text("[testenv:.pkg]\npackage_root = elsewhere\n")  # not ours
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    found = check.check(project.find(str(root)), 8, named(frontends), scratch, Display())

    control = found.own
    assert control.backend == "setuptools.build_meta"
    assert len(control.results) == 16
    assert {each.through for each in control.results} == set(frontends.split(","))
    assert control.failures or control.differing, "the load is too light to show anything"
    assert {"build/", "src/sample.egg-info/"} <= set(control.changes.created)
    assert not control.perfect

    assert found.isolated.backend == "isolated_backend"
    assert {each.through for each in found.isolated.results} == set(frontends.split(","))
    assert found.isolated.failures == []
    assert found.isolated.differing == {}
    assert found.deviating == {}
    assert found.isolated.changes.paths == ()
    assert found.isolated.same == 16
    assert found.isolated.perfect
    record_property("figures", report.verdict(found))


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


def test_what_reproducible_archives_change_is_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell may well have SOURCE_DATE_EPOCH, which setuptools and we mind in different ways."""
    root = demo.generate(tmp_path / "sample", modules=1)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    assert main(["check", str(root), "-n", "1"]) == 0, capsys.readouterr().out


def test_this_project(capsys: pytest.CaptureFixture[str]) -> None:
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    assert main(["check", root, "-n", "1"]) == 0
    assert "with isolated_backend all 2 builds came out right" in capsys.readouterr().out


IN_THE_PROCESS = """\
import pathlib, setuptools
pathlib.Path("src/sample/_version.py").write_text("1")
pathlib.Path("conftest.c").touch()
pathlib.Path("conftest.c").unlink()
setuptools.setup()
"""

IN_A_CHILD = """\
import subprocess, sys, setuptools
code = "import os; os.makedirs('src/sample/gen', exist_ok=True); open('src/sample/gen/a.py', 'w')"
subprocess.run([sys.executable, "-c", code], check=True)
setuptools.setup()
"""

# The same text, so that no comparison of contents shows that it was written.
THE_SAME_AGAIN = """\
import subprocess, sys, setuptools
code = "with open('README', 'r+') as file: file.write('text')"
subprocess.run([sys.executable, "-c", code], check=True)
setuptools.setup()
"""

SEEN = "What the project's own code writes into its tree while it is built:"
#: What is added where the machine has private trees.
PRIVATE = ' With "private", builds need not wait, and leave the tree as it is.'
PROGRAMS = "Programs that may write there, which a build starts when it is alone:"
UNSEEN = "What a program or an extension module writes into the tree, unseen by hooks:"


def _writer(root: Path, setup: str, setting: str = "") -> str:
    """Make a project with this setup.py and this ``in-tree-writes``, and return its path."""
    demo.generate(root, modules=1)
    (root / "setup.py").write_text(setup)
    (root / "README").write_text("text")
    if setting:
        with (root / "pyproject.toml").open("a") as pyproject:
            pyproject.write(f'[tool.isolated-backend]\nin-tree-writes = "{setting}"\n')
    return str(root)


@pytest.mark.parametrize("setting", ["", "allow"])
def test_a_project_that_writes_into_its_own_tree(
    setting: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it writes is shown and is no failure, and the lock sees it whatever is set."""
    root = _writer(tmp_path / "demo", IN_THE_PROCESS, setting)
    assert main(["check", root, "-n", "1", "--frontends", "pip"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[lines.index(SEEN) + 1] == "  conftest.c, src/sample/_version.py"
    assert UNSEEN not in lines
    (advice,) = [line for line in lines if line.startswith("The setting that fits is")]
    assert '`in-tree-writes = "auto"`' in advice
    advice = advice.removesuffix(PRIVATE)
    assert advice.endswith(f'now it is "{setting}".' if setting else "It is the default.")
    assert lines[-1].endswith(
        "with isolated_backend the build came out right and nothing in the root changed but "
        "what the project itself writes. There were no sdists: pip builds none."
    )


@pytest.mark.parametrize(
    ("setup", "path", "setting"),
    [(IN_A_CHILD, "src/sample/gen/", ""), (THE_SAME_AGAIN, "README", "lock")],
)
def test_a_project_whose_child_process_writes_into_its_tree(
    setup: str, path: str, setting: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = _writer(tmp_path / "demo", setup, setting)
    assert main(["check", root, "-n", "1", "--frontends", "uv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert SEEN not in lines
    assert lines[lines.index(UNSEEN) + 1] == f"  {path}"
    (program,) = (line for line in lines[lines.index(PROGRAMS) + 1 :] if line.startswith("  "))
    assert "python" in program
    (advice,) = [line for line in lines if line.startswith("The setting that fits is")]
    assert '`in-tree-writes = "auto"`' in advice
    advice = advice.removesuffix(PRIVATE)
    assert advice.endswith('now it is "lock".' if setting else "It is the default.")


@contextmanager
def _default_action(number: int) -> Iterator[None]:
    """While this is open, start programs that do not ignore the signal *number*."""
    before = signal.signal(number, lambda *_: None)  # which becomes the default in another program
    try:
        yield
    finally:
        signal.signal(number, before)


NEEDS_SIGNALS = pytest.mark.skipif(sys.platform == "win32", reason="needs signals for one process")


@NEEDS_SIGNALS
@pytest.mark.parametrize(
    ("moment", "frontend", "number"),
    [
        ("asking", "build", signal.SIGINT),
        ("asking", "build", signal.SIGTERM),
        ("building", "build", signal.SIGINT),
        *[("building", name, signal.SIGTERM) for name in ALL.split(",")],
    ],
)
def test_interruption_leaves_nothing(
    tmp_path: Path, moment: str, frontend: str, number: int
) -> None:
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
    command += ["--frontends", frontend]
    variables = {**os.environ, "TMPDIR": str(temporary)}
    # A shell ignores SIGINT for what it runs in the background, and so would all that is below it.
    with (
        _default_action(number),
        subprocess.Popen(command, env=variables, stderr=subprocess.PIPE) as process,
    ):
        try:
            while not any(started.iterdir()):
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(number)
            assert process.wait(60) == 130
        finally:
            process.kill()
    assert list(temporary.iterdir()) == []
    for path in started.iterdir():
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", path.name], capture_output=True, check=False
        )
        assert state.stdout.strip()[:1] in (b"", b"Z"), "it is still running"
