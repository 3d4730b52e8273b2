"""Where builds run: here if it has all that they need, else in a temporary environment."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import build
import pytest
import tomlkit

import isolated_backend
from isolated_backend.cli import demo, environment, project
from isolated_backend.cli.errors import CommandError
from isolated_backend.cli.frontend import BUILD

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

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


@contextmanager
def _prepared(root: Path, said: list[str]) -> Iterator[Environment]:
    scratch = root.parent / "scratch"
    scratch.mkdir()
    with environment.prepared(
        project.find(str(root)), BUILD, scratch, scratch / "copy", said.append
    ) as place:
        assert not (scratch / "copy").exists()
        yield place


class FakeEnvironment:
    """Stands in for build's environment: installing takes a network."""

    def __init__(self, installer: str) -> None:
        assert installer == "pip"
        self.python_executable = sys.executable
        self.installed: list[set[str]] = []
        self.open = False
        FakeEnvironment.last = self

    last: FakeEnvironment
    error: Exception | None = None

    def __enter__(self) -> None:
        self.open = True

    def __exit__(self, *_: object) -> None:
        self.open = False

    def make_extra_environ(self) -> dict[str, str]:
        """Return what build's would return."""
        return {"PATH": "theirs", "PYTHONPATH": ""}

    def install(self, requirements: Collection[str]) -> None:
        """Record what is to be installed."""
        assert self.open
        if self.error is not None:
            raise self.error
        self.installed.append(set(requirements))


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> type[FakeEnvironment]:
    monkeypatch.setattr(build.env, "DefaultIsolatedEnv", FakeEnvironment)
    monkeypatch.setattr(FakeEnvironment, "error", None)
    return FakeEnvironment


def test_requirements_of_the_backend_are_those_of_the_distribution() -> None:
    pyproject = Path(__file__).parents[1] / "pyproject.toml"
    dependencies = tomlkit.parse(pyproject.read_text()).unwrap()["project"]["dependencies"]
    assert list(environment.BACKEND_REQUIRES) == dependencies


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


def test_running_environment_is_used_if_it_has_all(
    root: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build.env, "DefaultIsolatedEnv", None)
    with _prepared(root, said) as place:
        assert place.python == sys.executable
    assert said == []


def test_missing_requirements_are_installed(
    root: Path, said: list[str], temporary: type[FakeEnvironment]
) -> None:
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools", "no-such-thing==1", "isolated-backend"]\n'
    )
    with _prepared(root, said) as place:
        assert place.variables["PATH"] == "theirs"
        assert temporary.last.open
    assert not temporary.last.open
    static, dynamic = temporary.last.installed
    assert static == {"setuptools", "no-such-thing==1", "build", *environment.BACKEND_REQUIRES}
    assert dynamic <= {"setuptools >= 40.8.0", "setuptools", "wheel"}
    assert said == [
        "installing the build requirements in a temporary environment: no-such-thing==1, setuptools"
    ]


def test_requirements_that_the_backend_adds_are_installed(
    root: Path, said: list[str], temporary: type[FakeEnvironment]
) -> None:
    (root / "setup.py").write_text(SETUP.format(", setup_requires=['no-such-thing==1']"))
    with _prepared(root, said):
        pass
    assert "no-such-thing==1" in temporary.last.installed[1]


def test_failed_installation_is_one_sentence(
    root: Path,
    said: list[str],
    temporary: type[FakeEnvironment],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (root / "pyproject.toml").write_text('[build-system]\nrequires = ["no-such-thing==1"]\n')
    error = subprocess.CalledProcessError(1, "pip", b"Looking\n", b"ERROR: No match\n\n")
    monkeypatch.setattr(temporary, "error", error)
    with pytest.raises(CommandError) as raised, _prepared(root, said):
        pass
    assert str(raised.value) == "The build requirements cannot be installed: ERROR: No match"
    assert not temporary.last.open


def test_environment_that_cannot_be_made_is_one_sentence(
    root: Path,
    said: list[str],
    temporary: type[FakeEnvironment],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (root / "pyproject.toml").write_text('[build-system]\nrequires = ["no-such-thing==1"]\n')

    def refuse(self: FakeEnvironment) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(temporary, "__enter__", refuse)
    with (
        pytest.raises(CommandError, match=r"environment cannot be made: .*No space left"),
        _prepared(root, said),
    ):
        pass


@pytest.mark.parametrize(
    ("setup", "reason"),
    [
        ("def (\n", "SyntaxError: invalid syntax"),
        ("import no_such_module_anywhere\n", "ModuleNotFoundError: No module named"),
    ],
)
def test_project_that_cannot_tell_its_requirements(
    root: Path, said: list[str], setup: str, reason: str
) -> None:
    (root / "setup.py").write_text(setup)
    with pytest.raises(CommandError) as raised, _prepared(root, said):
        pass
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
    with (
        pytest.raises(CommandError, match="demo cannot be built even once"),
        _prepared(root, said),
    ):
        pass


def test_generated_project_builds_with_what_is_here(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build.env, "DefaultIsolatedEnv", None)
    with _prepared(demo.generate(tmp_path / "sample", 1), said):
        pass
