"""tox runs many hooks in one process, unless it knows a backend by its name as setuptools."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from artifacts import text

from .conftest import REPOSITORY, Environment
from .frontends import OURS, PLAIN, Finished, run

#: Projects that cannot be built twice in one process, or not twice the same.
SETUPS = {
    "start method": "import multiprocessing\nmultiprocessing.set_start_method('fork')\n",
    "variable": (
        "import os\n"
        "os.environ['STAMP'] = os.environ.get('STAMP', '') + 'x'\n"
        "os.makedirs('made', exist_ok=True)\n"
        "open('made/stamp.txt', 'w').write(os.environ['STAMP'])\n"
    ),
}

ADOPTED = {"as a requirement": "", "in the tree": 'backend-path = [".backend"]\n'}


def project(root: Path, setup: str, backend: str, adopted: str = "") -> Path:
    """Write a project of a package with what *setup* puts into it."""
    (root / "made").mkdir(parents=True)
    (root / "made" / "__init__.py").touch()
    (root / "made" / "stamp.txt").write_text("x")
    requires = ["setuptools", "wheel", "packaging", "filelock"]
    requires += ["isolated-backend"] if backend == OURS and not adopted else []
    (root / "pyproject.toml").write_text(
        f'[build-system]\nrequires = {requires}\nbuild-backend = "{backend}"\n{adopted}'
    )
    if adopted:
        shutil.copytree(REPOSITORY / "src" / OURS, root / ".backend" / OURS)
    (root / "setup.py").write_text(
        f"{SETUPS[setup]}from setuptools import setup\n"
        "setup(name='made', version='1', packages=['made'], package_data={'made': ['*.txt']})\n"
    )
    (root / "tox.ini").write_text(
        "[tox]\nenv_list = py\n[testenv]\npackage = wheel\nwheel_build_env = .pkg\ncommands =\n"
    )
    return root


def tox(root: Path, env: dict[str, str], *options: str) -> Finished:
    """Run the environment of *root*: it asks for requirements, then for a wheel."""
    command = [sys.executable, "-m", "tox", "run", "-c", str(root), "--notest", *options]
    return run(command, env)


def stamp(root: Path) -> str:
    (wheel,) = (root / ".tox").glob("**/dist/*.whl")
    return text(wheel, "stamp.txt")


@pytest.mark.parametrize("adopted", ADOPTED)
@pytest.mark.parametrize("setup", SETUPS)
def test_what_setup_py_leaves_behind_reaches_no_other_hook(
    setup: str, adopted: str, tmp_path: Path, venv: Environment, env: dict[str, str]
) -> None:
    root = project(tmp_path / "root", setup, OURS, ADOPTED[adopted])
    done = tox(root, env | venv.offline)
    assert done.status == 0, done.output
    assert stamp(root) == "x"


@pytest.mark.parametrize("setup", SETUPS)
def test_setuptools_is_given_processes_and_needs_them(
    setup: str, tmp_path: Path, venv: Environment, env: dict[str, str]
) -> None:
    """The control: with one process for all its hooks, as tox gives it to others, it is wrong."""
    own = project(tmp_path / "own", setup, PLAIN)
    done = tox(own, env | venv.offline)
    assert done.status == 0, done.output
    assert stamp(own) == "x"
    shared = project(tmp_path / "shared", setup, PLAIN)
    done = tox(shared, env | venv.offline, "-x", "testenv:.pkg.fresh_subprocess=false")
    if setup == "variable":
        assert stamp(shared) == "xx"
    else:
        assert done.status != 0
        assert "context has already been set" in done.output
