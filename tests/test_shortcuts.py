"""Shortcuts are optional: without them everything is as it is with them, and takes longer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import isolated_backend
from artifacts import members
from backends import HERE, OURS, SAMPLES, HookProcess
from trial import of_sample

PACKAGE = Path(isolated_backend.__file__).parent


@pytest.fixture
def core(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which the package has no shortcuts."""
    copy = tmp_path / "copy" / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "shortcuts"))
    environment = {"PYTHONPATH": str(copy.parent)}
    script = "from isolated_backend import hook; print(hook.__file__, hook._shortcuts())"
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | environment, capture_output=True, text=True
    )
    assert done.stdout == f"{copy / 'hook.py'} None\n"
    return environment


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_every_hook_gives_what_setuptools_gives_without_the_folder(
    name: str, core: dict[str, str], tmp_path: Path
) -> None:
    plain, found = of_sample(name, tmp_path, environment=core)
    assert plain.failures == {}
    assert found == []


@pytest.mark.long
def test_the_core_passes_the_tests_of_hooks_and_frontends_without_the_folder(
    core: dict[str, str], tmp_path: Path
) -> None:
    tests = [
        HERE / "test_hooks.py",
        HERE / "test_fidelity.py",
        HERE.parent / "integration/frontends",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *tests],
        env={name: os.environ[name] for name in os.environ if "PYTEST" not in name} | core,
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b[1-9]\d* passed", done.stdout)


@pytest.mark.parametrize("hook", ["build_sdist", "build_wheel"])
def test_a_variable_switches_them_off(
    hook: str, sample: Callable[[str], Path], tmp_path: Path
) -> None:
    """Nothing is copied with them; the artifact is the same."""
    root, made = sample("src_layout"), []
    for value in ("0", "1"):
        out = tmp_path / value
        process = HookProcess(OURS, root, environment={"ISOLATED_BACKEND_SHORTCUTS": value})
        (outcome,) = process((hook, {hook.replace("build_", "") + "_directory": str(out)}))
        assert not outcome.error, process.output
        assert ("copying src/src_layout/data/one.json" in process.output) == (value == "0")
        made.append(members(out / outcome.result))
    assert made[0] == made[1]


def test_nothing_but_the_hook_imports_them() -> None:
    """So the folder can be deleted."""
    imports = r"^\s*(from|import) (\.+|isolated_backend\.)?shortcuts|import shortcuts"
    imported = re.compile(imports, re.MULTILINE)
    core = [
        path
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in ("shortcuts", "cli")
    ]
    assert len(core) > 20
    assert [path.name for path in core if imported.search(path.read_text())] == ["hook.py"]
