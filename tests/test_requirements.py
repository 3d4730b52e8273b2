"""Build requirements, told without setuptools where that is possible."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from isolated_backend.redirect import installed
from isolated_backend.shortcuts import requirements

STATIC = '[project]\nname = "demo"\nversion = "1"\n'


@pytest.fixture(autouse=True)
def nobody_configures_distutils(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.delenv("DIST_EXTRA_CONFIG", raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    (root / "pyproject.toml").write_text(STATIC)
    return root


@pytest.mark.parametrize("kind", ["sdist", "wheel", "editable"])
def test_a_static_project_requires_nothing_more(root: Path, kind: str) -> None:
    (root / "setup.cfg").write_text("[metadata]\nlicense = MIT\n")
    assert requirements.known(str(root), kind, None) == []
    assert requirements.known(str(root), kind, {}) == []


def test_setuptools_is_not_imported_for_it(root: Path) -> None:
    script = (
        "import sys, isolated_backend\n"
        "print(isolated_backend.get_requires_for_build_wheel())\n"
        "print('setuptools' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\nFalse\n"


def test_with_a_setup_py_or_arguments_setuptools_is_asked(root: Path) -> None:
    assert requirements.known(str(root), "wheel", {"--global-option": "--quiet"}) is None
    (root / "setup.py").touch()
    assert requirements.known(str(root), "wheel", None) is None


@pytest.mark.parametrize("name", ["setup_requires", "setup-requires", "Setup_Requires"])
@pytest.mark.parametrize("where", ["project", "user", "extra"])
def test_where_setup_requires_can_stand_setuptools_is_asked(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, where: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    path = {
        "project": root / "setup.cfg",
        "user": home / (".pydistutils.cfg" if sys.platform != "win32" else "pydistutils.cfg"),
        "extra": tmp_path / "extra.cfg",
    }[where]
    path.write_text(f"[options]\n{name} =\n    filelock\n")
    if where == "extra":
        monkeypatch.setenv("DIST_EXTRA_CONFIG", str(path))
    assert requirements.known(str(root), "wheel", None) is None


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (["editable_wheel.py", "bdist_wheel.py"], {"sdist": [], "wheel": [], "editable": []}),
        (
            ["editable_wheel.py"],  # setuptools 64 to 70.0
            {"sdist": [], "wheel": ["wheel"], "editable": ["wheel"]},
        ),
        ([], {"sdist": None, "wheel": None, "editable": None}),  # older: too old for us
    ],
)
def test_wheel_is_required_where_that_setuptools_requires_it(
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    commands: list[str],
    expected: dict[str, list[str] | None],
) -> None:
    package = tmp_path / "setuptools"
    (package / "command").mkdir(parents=True)
    for command in commands:
        (package / "command" / command).touch()
    found = SimpleNamespace(origin=str(package / "__init__.py"))
    monkeypatch.setattr(installed, "find_spec", lambda name: found)
    assert {kind: requirements.known(str(root), kind, None) for kind in expected} == expected


def test_without_setuptools_the_hook_itself_says_so(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda name: None)
    assert requirements.known(str(root), "wheel", None) is None
