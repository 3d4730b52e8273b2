"""`adopt`, a real build, `check`, `adopt --undo`: and the tree is what it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from artifacts import names
from isolated_backend.cli import demo, main
from snapshot import snapshot

from .conftest import Environment
from .corpus import sdist
from .corpus.__main__ import CACHE
from .corpus.errors import CorpusError
from .corpus.project import load
from .frontends import build_command, run

SETUP = "from setuptools import setup\n\nsetup(name='sample', version='1.0', packages=['sample'])\n"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it is kept what it takes to undo: not among what belongs to the user."""
    directory = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(directory))
    return directory


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A project with a setup.py and no pyproject.toml."""
    root = tmp_path / "sample"
    (root / "sample").mkdir(parents=True)
    (root / "sample" / "__init__.py").touch()
    (root / "setup.py").write_text(SETUP)
    return root


@pytest.fixture
def modern(tmp_path: Path) -> Path:
    """A project with a pyproject.toml."""
    return demo.generate(tmp_path / "sample", modules=3)


@pytest.mark.parametrize(
    ("form", "options"),
    [("bare", ()), ("bare", ("--in-tree", "_backend")), ("modern", ("--in-tree", ".a/b c"))],
)
def test_adopt_build_check_undo(
    form: str,
    options: tuple[str, ...],
    venv: Environment,
    env: dict[str, str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root: Path = request.getfixturevalue(form)
    before = snapshot(root)
    assert main(["adopt", str(root), *options]) == 0
    adopted = snapshot(root)

    # In isolation, the wheel from the sdist: so both hold what they need to be built from.
    done = run(
        build_command(venv.python, root, "--outdir", str(tmp_path / "out")), env | venv.offline
    )
    assert done.status == 0, done.output
    assert snapshot(root) == adopted
    wheel, source = sorted((tmp_path / "out").iterdir())
    assert not [name for name in names(wheel) if "backend" in name]
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert (unpacked / "pyproject.toml").read_bytes() == (root / "pyproject.toml").read_bytes()

    capsys.readouterr()
    status = main(["check", str(root), "-n", "1", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert status == 0, found["verdict"]
    assert found["isolated"]["backend"].startswith("isolated_backend")
    assert found["isolated"]["same"] == 2
    assert found["isolated"]["changed"] == []
    assert snapshot(root) == adopted

    assert main(["adopt", "--undo", str(root)]) == 0
    assert snapshot(root) == before


def test_a_build_that_works_without_it_works_again(
    bare: Path, venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    """The control: what is undone is built by setuptools, which writes into the tree."""
    before = snapshot(bare)
    assert main(["adopt", str(bare)]) == 0
    assert main(["adopt", "--undo", str(bare)]) == 0
    done = run(build_command(venv.python, bare, "-nw", "--outdir", str(tmp_path / "out")), env)
    assert done.status == 0, done.output
    assert set(snapshot(bare)) > set(before)


def test_status_and_clean_of_a_real_build(
    bare: Path,
    venv: Environment,
    env: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """While it is at work, and when it has been killed."""
    started = tmp_path / "started"
    (bare / "setup.py").write_text(
        f"import time\n\nif 'bdist_wheel' in __import__('sys').argv:\n"
        f"    open({str(started)!r}, 'w').close()\n    time.sleep(600)\n" + SETUP
    )
    assert main(["adopt", str(bare)]) == 0
    command = build_command(venv.python, bare, "-nw", "--outdir", str(tmp_path / "out"))
    with subprocess.Popen(
        command,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            while not started.exists():
                assert process.poll() is None
                time.sleep(0.05)
            (shadow,) = _shadows(capsys)
            assert (shadow["state"], shadow["hook"]) == ("in use", "build_wheel")
            assert shadow["root"] == str(bare)
            assert os.getpgid(int(str(shadow["pid"]))) == process.pid
            left = Path(str(shadow["path"]), "left")
            left.write_text("1234")
            assert main(["clean"]) == 0
            assert "0 shadows emptied" in capsys.readouterr().out
            assert left.exists()
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert _eventually_idle(capsys)
    assert main(["clean"]) == 0
    assert "1 shadow emptied" in capsys.readouterr().out
    assert not left.exists()
    assert _shadows(capsys) == []


def _shadows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    capsys.readouterr()
    assert main(["status", "--json"]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)["shadows"]
    return found


def _eventually_idle(capsys: pytest.CaptureFixture[str]) -> bool:
    """Wait for the kernel to be done with the killed processes, of which we see but the first."""
    for _ in range(1200):
        (shadow,) = _shadows(capsys)
        if shadow["state"] == "idle":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.long
@pytest.mark.parametrize("options", [(), ("--in-tree", "_backend")])
@pytest.mark.parametrize("name", ["six", "requests", "tqdm", "pyserial", "cffi", "sqlalchemy"])
def test_real_projects(
    name: str,
    options: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As they are published; what they compile is no matter here, so SQLAlchemy need not."""
    monkeypatch.setenv("DISABLE_SQLALCHEMY_CEXT", "1")
    (project,) = load([name])
    try:
        root = sdist.fetch(project, CACHE).unpack(tmp_path / "unpacked")
    except CorpusError as error:
        pytest.skip(f"{name}: {error}")
    before = snapshot(root)
    assert main(["adopt", str(root), *options]) == 0
    adopted = snapshot(root)
    capsys.readouterr()
    assert main(["check", str(root), "-n", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["isolated"]["same"] == 2
    assert snapshot(root) == adopted
    assert main(["adopt", "--undo", str(root)]) == 0
    assert snapshot(root) == before
