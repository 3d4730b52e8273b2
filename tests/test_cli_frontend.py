"""The frontends: their names, whose turn it is, and what they are told.

What they do is in `integration/test_check.py`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from isolated_backend.cli import frontend
from isolated_backend.cli.environment import Environment
from isolated_backend.cli.errors import CommandError
from isolated_backend.cli.frontend import in_turn, named


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory of the running Python's scripts, which has nothing in it yet."""
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (tmp_path / "elsewhere").mkdir()
    get_path = {"scripts": str(scripts)}.__getitem__
    monkeypatch.setattr(f"{frontend.__name__}.sysconfig.get_path", get_path)
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    return scripts


def _program(directory: Path, name: str) -> Path:
    path = directory / (name + (".exe" if sys.platform == "win32" else ""))
    path.touch()
    path.chmod(0o755)
    return path


@pytest.fixture
def all_four(scripts: Path) -> tuple[frontend.Frontend, ...]:
    _program(scripts, "uv")
    _program(scripts, "tox")
    return named("build,uv,pip,tox")


def test_each_is_named_once_in_the_order_given(scripts: Path) -> None:
    assert [each.name for each in named("pip, build,pip")] == ["pip", "build"]


@pytest.mark.parametrize("names", ["", "build,", "Build", "build uv", "build,hatch"])
def test_unknown_name_is_one_sentence(names: str) -> None:
    with pytest.raises(CommandError) as error:
        named(names)
    assert str(error.value).startswith("`--frontends` knows no '")
    assert "it takes one or more of build, uv, pip, tox, with commas between" in str(error.value)


@pytest.mark.parametrize("name", ["uv", "tox"])
def test_missing_program_is_one_sentence(name: str, scripts: Path) -> None:
    with pytest.raises(CommandError) as error:
        named(f"build,{name}")
    assert str(error.value) == (
        f"`--frontends` names {name}, which is not installed; install it with: pip install {name}"
    )


def test_program_beside_the_running_python_goes_first(scripts: Path, tmp_path: Path) -> None:
    root, place = Path("root"), tmp_path / "place"
    environment = Environment("python", {})
    elsewhere = _program(tmp_path / "elsewhere", "uv")
    (uv,) = named("uv")
    assert uv.order("wheel", environment, root, place).command[0] == str(elsewhere)
    here = _program(scripts, "uv")
    (uv,) = named("uv")
    assert uv.order("wheel", environment, root, place).command[0] == str(here)


def _turns(names: Sequence[tuple[frontend.Frontend, str]]) -> dict[str, str]:
    turns: dict[str, str] = {}
    for each, kind in names:
        turns[kind] = (turns.get(kind, "") + " " + each.name).strip()
    return turns


def test_builds_are_spread_over_those_that_can_do_them(
    all_four: tuple[frontend.Frontend, ...],
) -> None:
    assert _turns(in_turn(all_four, 8)) == {
        "sdist": "build uv tox build uv tox build uv",
        "wheel": "tox pip uv build tox pip uv build",
    }
    assert _turns(in_turn(all_four, 2)) == {"sdist": "build uv", "wheel": "tox pip"}
    assert _turns(in_turn(named("pip"), 2)) == {"wheel": "pip pip"}
    assert [kind for _, kind in in_turn(named("build"), 2)] == ["sdist", "wheel"] * 2


def test_builds_go_on_in_the_environment_that_is_there(
    all_four: tuple[frontend.Frontend, ...], scripts: Path, tmp_path: Path
) -> None:
    root, place = Path("root"), tmp_path / "place"
    environment = Environment("python", {"PYTHONPATH": "packages"})
    build, uv, pip = (each.order("wheel", environment, root, place) for each in all_four[:3])
    dist = str(place / "dist")
    assert build.command == (
        ["python", "-m", "build", "--no-isolation", "--wheel", "--outdir", dist, "root"]
    )
    assert uv.command[1:5] == ["build", "--no-build-isolation", "--python", "python"]
    assert {"--wheel", "--offline"} <= set(uv.command)
    assert uv.command[-3:] == ["--out-dir", dist, "root"]
    assert pip.command[:4] == ["python", "-m", "pip", "wheel"]
    assert {"--no-build-isolation", "--no-deps"} <= set(pip.command)
    assert pip.command[-3:] == ["--wheel-dir", dist, "root"]
    assert {build.dist, uv.dist, pip.dist} == {place / "dist"}


def test_tox_has_a_configuration_of_its_own(
    all_four: tuple[frontend.Frontend, ...], scripts: Path, tmp_path: Path
) -> None:
    root, place = tmp_path / "root", tmp_path / "place"
    environment = Environment(sys.executable, os.environ)
    build = all_four[3].order("sdist", environment, root, place)
    options, flags = build.command[2:-2], build.command[-2:]
    assert dict(zip(options[::2], options[1::2], strict=True)) == {
        "--root": str(root),
        "--workdir": str(place / "work"),
        "-e": "check",
        "--conf": str(place / "tox.ini"),
    }
    # The packages of an environment without pip cannot be listed, as tox does where ``CI`` is set.
    assert flags == ["--pkg-only", "--no-list-dependencies"]
    assert build.dist == place / "work" / ".pkg" / "dist"
    assert "package = sdist\n" in build.files[place / "tox.ini"]
    assert "PYTHONPATH = {env:ISOLATED_BACKEND_CHECK_PACKAGES}\n" in build.files[place / "tox.ini"]
    assert build.variables["ISOLATED_BACKEND_CHECK_PYTHON"] == sys.executable
    assert build.variables["ISOLATED_BACKEND_CHECK_PACKAGES"] == environment.packages
