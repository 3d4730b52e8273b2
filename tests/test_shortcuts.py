"""Shortcuts are optional: without them everything is as it is with them, and takes longer."""

from __future__ import annotations

import gc
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import isolated_backend
from artifacts import members, names
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
    tmp_path: Path,
) -> None:
    repository = tmp_path / "repository"
    ignored = shutil.ignore_patterns("__pycache__", "shortcuts", ".git")
    shutil.copytree(HERE.parent, repository, ignore=ignored, symlinks=True)
    tests = ["tests/test_hooks.py", "tests/test_fidelity.py", "integration/frontends"]
    options = ["-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'base'}"]
    variables = {name: os.environ[name] for name in os.environ if "PYTEST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        env=variables | {"PYTHONPATH": str(repository / "src")},
        cwd=repository,
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


LOOKS_AWAY = """\
import sys
from setuptools import setup
{change}
try:
    setup(name="demo", version="1", packages=["demo"], package_data={{"demo": ["*.txt"]}})
except BaseException as error:
    print("caught", error)
"""

VANISHES = {
    "build_sdist": """
from isolated_backend.shortcuts import archive
original = archive.complete
def complete(*arguments):
    import os
    if os.path.exists("demo/one.py"):
        os.rename("demo/one.py", "one.py")
    original(*arguments)
archive.complete = complete
""",
    "build_wheel": """
from isolated_backend.shortcuts.copies import Copies
original = Copies.write
def write(self, wheel, *arguments):
    import os
    def rename():
        if os.path.exists("demo/one.py"):
            os.rename("demo/one.py", "one.py")
        return namelist()
    namelist, wheel.namelist = wheel.namelist, rename
    original(self, wheel, *arguments)
Copies.write = write
""",
}


@pytest.mark.parametrize("hook", VANISHES)
def test_a_project_that_catches_errors_gets_no_artifact_with_a_doubt(
    hook: str, tmp_path: Path
) -> None:
    """An sdist is not there; and a wheel, which is, is made again of the tree as it is then."""
    root, out = tmp_path / "root", tmp_path / "out"
    (root / "demo").mkdir(parents=True)
    for name in ("__init__.py", "one.py", "two.py", "data.txt"):
        (root / "demo" / name).touch()
    (root / "setup.py").write_text(LOOKS_AWAY.format(change=VANISHES[hook]))
    process = HookProcess(OURS, root)
    (outcome,) = process((hook, {hook.replace("build_", "") + "_directory": str(out)}))
    assert "caught demo/one.py was there" in process.output.replace(os.sep, "/")
    if hook == "build_sdist":
        assert "No distribution was found" in outcome.message
        assert not os.path.exists(out) or os.listdir(out) == []
        return
    assert "Building again without shortcuts." in process.output
    assert not outcome.error, process.output
    found = names(out / outcome.result)
    assert any(name.endswith("demo/two.py") for name in found)
    assert not any(name.endswith("demo/one.py") for name in found)


@pytest.mark.skipif(not hasattr(gc, "get_threshold"), reason="PyPy collects in another way")
def test_garbage_is_collected_as_before_after_a_hook(sample: Callable[[str], Path]) -> None:
    script = (
        "import gc, sys, isolated_backend\n"
        "before = gc.get_threshold()\n"
        "isolated_backend.build_wheel(sys.argv[1])\n"
        "assert gc.get_threshold() == before\n"
        "gc.set_threshold(0)\n"
        "isolated_backend.build_wheel(sys.argv[1])\n"
        "assert gc.get_threshold()[0] == 0\n"
    )
    root = sample("src_layout")
    subprocess.run([sys.executable, "-c", script, str(root.parent)], cwd=root, check=True)


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
