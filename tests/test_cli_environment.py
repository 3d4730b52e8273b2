"""Where builds run: here if it has all that they need, else in a temporary environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomlkit

import isolated_backend
from isolated_backend.cli import demo, environment, process, project
from isolated_backend.cli.errors import CommandError
from isolated_backend.cli.frontend import named

if TYPE_CHECKING:
    from isolated_backend.cli.environment import Environment

SETUP = "from setuptools import setup; setup(name='demo', version='1'{})\n"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "demo"
    root.mkdir()
    (root / "setup.py").write_text(SETUP.format(""))
    return root


def _prepared(root: Path, said: list[str]) -> Environment:
    scratch = root.parent / "scratch"
    scratch.mkdir()
    place = environment.prepared(
        project.find(str(root)), named("build,pip"), scratch, scratch / "copy", said.append
    )
    assert not (scratch / "copy").exists()
    return place


class Commands:
    """Stands in for `process.run` where it makes a virtualenv or installs: that needs a network."""

    def __init__(self) -> None:
        self.installed: list[set[str]] = []
        self.fails: dict[str, str] = {}

    def run(
        self, command: list[str], variables: dict[str, str], cwd: Path | None = None
    ) -> tuple[int, str]:
        """Run *command* unless it is for the virtualenv."""
        if command[1] != "-m":
            return REAL_RUN([sys.executable, *command[1:]], variables, cwd)
        if command[2] == "venv":
            assert command[0] == sys.executable
        else:
            assert command[1:4] == ["-m", "pip", "install"]
            assert "scratch" in command[0]
            self.installed.append({word for word in command[4:] if not word.startswith("-")})
        return (1, self.fails[command[2]]) if command[2] in self.fails else (0, "")


REAL_RUN = process.run


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    commands = Commands()
    monkeypatch.setattr(process, "run", commands.run)
    return commands


def test_requirements_of_the_backend_are_those_of_the_distribution() -> None:
    pyproject = Path(__file__).parents[1] / "pyproject.toml"
    dependencies = tomlkit.parse(pyproject.read_text()).unwrap()["project"]["dependencies"]
    assert list(project.BACKEND_REQUIRES) == dependencies


def test_backend_is_laid_out_for_any_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "theirs")
    monkeypatch.setenv("FORCE_COLOR", "1")
    place = environment.isolating(tmp_path)
    assert environment.isolating(tmp_path) == place, "it can be asked for again"
    code = (
        "import json, importlib.metadata as m, isolated_backend as b, tempfile, sys;"
        "print(json.dumps([b.__file__, m.version('isolated-backend'), tempfile.gettempdir(),"
        " sys.path]))"
    )
    # -S: without the site-packages of this interpreter.
    run = subprocess.run(
        [place.python, "-S", "-c", code], env=place.variables, stdout=subprocess.PIPE, check=True
    )
    file, version, temporary, path = json.loads(run.stdout)
    assert Path(file) == tmp_path / "site-packages" / "isolated_backend" / "__init__.py"
    assert version == isolated_backend.__version__
    assert Path(temporary) == tmp_path / "tmp"
    assert any(entry.endswith("theirs") for entry in path)
    assert "FORCE_COLOR" not in place.variables


def test_another_interpreter_can_be_given_what_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `site` adds behind PYTHONPATH: not the current directory, not the standard library."""
    monkeypatch.setenv("PYTHONPATH", "theirs")
    monkeypatch.chdir(tmp_path)
    packages = environment.isolating(tmp_path).packages
    assert packages.startswith(str(tmp_path / "site-packages") + os.pathsep + "theirs")
    assert str(tmp_path) not in packages.split(os.pathsep)
    assert os.path.dirname(os.__file__) not in packages.split(os.pathsep)
    code = "import isolated_backend, pytest, setuptools"
    command = [sys.executable, "-S", "-c", code]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": packages}, check=True)
    alone = subprocess.run(command, env=os.environ, stderr=subprocess.DEVNULL, check=False)
    assert alone.returncode != 0


def test_running_environment_is_used_if_it_has_all(
    root: Path, said: list[str], commands: Commands
) -> None:
    assert _prepared(root, said).python == sys.executable
    assert said == []
    assert commands.installed == []


def test_missing_requirements_are_installed(
    root: Path, said: list[str], commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "theirs")
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools", "no-such-thing==1", "isolated-backend"]\n'
    )
    place = _prepared(root, said)
    scratch = root.parent / "scratch"
    scripts = Path(place.python).parent
    assert scripts.parent == scratch / "venv"
    assert place.variables["PATH"].startswith(str(scripts) + os.pathsep)
    assert place.variables["PYTHONPATH"] == str(scratch / "site-packages")
    assert commands.installed[0] == {
        *("setuptools", "no-such-thing==1", "build", "pip"),
        *project.BACKEND_REQUIRES,
    }
    assert said == [
        "installing the build requirements in a temporary environment: no-such-thing==1, setuptools"
    ]


def test_requirements_that_the_backend_adds_are_installed(
    root: Path, said: list[str], commands: Commands
) -> None:
    (root / "setup.py").write_text(SETUP.format(", setup_requires=['no-such-thing==1']"))
    _prepared(root, said)
    assert "no-such-thing==1" in commands.installed[1]


@pytest.mark.parametrize(
    ("fails", "message"),
    [
        (
            {"pip": "Looking\nERROR: No match\n\n"},
            "The build requirements cannot be installed: ERROR: No match",
        ),
        (
            {"venv": "ensurepip is not available.\n\nFailing command: x\n"},
            "A temporary environment cannot be made: ensurepip is not available.",
        ),
    ],
)
def test_failed_installation_is_one_sentence(
    root: Path, said: list[str], commands: Commands, fails: dict[str, str], message: str
) -> None:
    (root / "pyproject.toml").write_text('[build-system]\nrequires = ["no-such-thing==1"]\n')
    commands.fails = fails
    with pytest.raises(CommandError) as error:
        _prepared(root, said)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("setup", "reason"),
    [
        ("a b\n", "SyntaxError: invalid syntax"),
        ("import no_such_module_anywhere\n", "ModuleNotFoundError: No module named"),
    ],
)
def test_project_that_cannot_tell_its_requirements(
    root: Path, said: list[str], setup: str, reason: str
) -> None:
    (root / "setup.py").write_text(setup)
    with pytest.raises(CommandError) as raised:
        _prepared(root, said)
    assert str(raised.value).startswith(
        f"demo cannot be built even once, alone, by setuptools.build_meta:__legacy__: {reason}"
    )
    assert "\n" not in str(raised.value)


def test_backend_that_is_not_there(root: Path, said: list[str]) -> None:
    """`backend-path` leads to where setuptools is not, so build itself refuses."""
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "setuptools.build_meta"\n'
        'backend-path = ["elsewhere"]\n'
    )
    (root / "elsewhere").mkdir()
    with pytest.raises(CommandError, match="demo cannot be built even once"):
        _prepared(root, said)


def test_generated_project_builds_with_what_is_here(
    tmp_path: Path, said: list[str], commands: Commands
) -> None:
    _prepared(demo.generate(tmp_path / "sample", 1), said)
    assert commands.installed == []
