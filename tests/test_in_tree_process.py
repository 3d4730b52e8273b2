"""A backend that lies in the tree is the one that every process of a hook uses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import filelock
import packaging
import pytest

import isolated_backend
from snapshot import snapshot

Sample = Callable[[str], Path]

#: How frontends let modules be found in ``backend-path``: build and pip, and uv and tox.
WAYS = {
    "by a finder": (
        "import pyproject_hooks._in_process as place, runpy\n"
        "where = os.path.join(os.path.dirname(place.__file__), '_in_process.py')\n"
        "finder = runpy.run_path(where)['_BackendPathFinder']\n"
        "sys.meta_path.insert(0, finder([backend], 'isolated_backend'))\n"
    ),
    "on the path": "sys.path.insert(0, backend)\n",
}

SCRIPT = """
import os, sys
backend = os.path.abspath(".backend")
{way}
import isolated_backend
print(isolated_backend.get_requires_for_build_wheel())
for number in range(2):
    isolated_backend.build_wheel(f"../out/{number}")
from isolated_backend import interpreter
find = "__import__('importlib.util').util.find_spec"
text = f"(__import__('isolated_backend').__file__, {find}('filelock').origin)"
print(*interpreter.call("a test", os.getcwd(), eval, text), sep="\\n")
"""


THREADS = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import SourceFileLoader
set_data = SourceFileLoader.set_data
sys.path.insert(0, os.path.abspath(".backend"))
import isolated_backend
with ThreadPoolExecutor(8) as pool:
    calls = [pool.submit(isolated_backend.get_requires_for_build_wheel) for _ in range(160)]
    print(len([call.result() for call in calls]), SourceFileLoader.set_data is set_data)
"""


def with_backend(root: Path) -> Path:
    """Put this backend and what it stands on into the tree."""
    for package in (isolated_backend, filelock, packaging):
        source = Path(package.__file__ or "").parent
        shutil.copytree(
            source, root / ".backend" / source.name, ignore=shutil.ignore_patterns("__pycache__")
        )
    return root


def run(script: str, root: Path, **environment: str) -> str:
    """Return what *script* prints."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=root,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_a_backend_in_the_tree_is_found_and_not_compiled_there(
    way: str, private: bool, sample: Sample, tmp_path: Path
) -> None:
    """Although another one is installed in this environment."""
    root = with_backend(sample("src_layout"))
    if private:
        with (root / "pyproject.toml").open("a") as file:
            file.write('[tool.isolated-backend]\nin-tree-writes = "private"\n')
    before = snapshot(root)
    output = run(SCRIPT.replace("{way}", WAYS[way]), root)
    first, second = (Path(line) for line in output.splitlines()[-2:])
    assert first == root / ".backend" / "isolated_backend" / "__init__.py"
    assert second == root / ".backend" / "filelock" / "__init__.py"
    assert snapshot(root) == before
    assert len(os.listdir(tmp_path / "work" / "out")) == 2


@pytest.mark.parametrize("features", ["", "legacy-editable"])
def test_nothing_stays_replaced_beside_other_threads(features: str, sample: Sample) -> None:
    """And the backend's modules are not compiled in the tree, whichever thread imports them."""
    root = with_backend(sample("src_layout"))
    before = snapshot(root)
    output = run(THREADS, root, SETUPTOOLS_ENABLE_FEATURES=features)
    assert output == "160 True\n"
    assert snapshot(root) == before
