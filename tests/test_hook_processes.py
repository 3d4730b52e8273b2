"""Each hook finds what a process of its own would have, whatever ran before it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from artifacts import members
from backends import OURS, PLAIN, HookProcess, call_into
from simple import simple

posix = pytest.mark.skipif(sys.platform == "win32", reason="a directory in use stays")

#: Notes what it finds, then leaves everything otherwise, as setup.py files do.
SETUP = """\
import json, multiprocessing, os, sys
from setuptools import setup
sys.path.insert(0, os.getcwd())
import helper
helper.builds += 1
found = {
    "environment": {k: v for k, v in os.environ.items() if k not in ("ISOLATED_BACKEND_TREE",)},
    "path": sys.path,
    "argv": sys.argv[:1],
    "method": multiprocessing.get_start_method(allow_none=True),
    "modules": sorted(n for n, m in sys.modules.items()
                      if (getattr(m, "__file__", None) or "").startswith(os.getcwd() + os.sep)),
    "builds": helper.builds,
}
with open(os.environ["FOUND"], "a") as file:
    print(json.dumps(found), file=file)
os.environ["STAMP"] = os.environ.get("STAMP", "") + "x"
os.environ["CFLAGS"] = os.environ.get("CFLAGS", "") + " -DMORE"
multiprocessing.set_start_method("spawn")
sys.path.append("/odd")
sys.modules["odd"] = helper
setup(name="stateful", version="1", py_modules=["helper"])
"""

SIX = [
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_wheel",
    "build_sdist",
    "build_wheel",
    "prepare_metadata_for_build_editable",
    "build_editable",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the root of a project that leaves things behind in its process."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "pyproject.toml").write_text("[build-system]\nrequires = []\n")
    (root / "helper.py").write_text("builds = 0\n")
    (root / "setup.py").write_text(SETUP)
    return root


def found(root: Path, out: Path, backend: str, *hooks: str) -> list[dict[str, Any]]:
    """Return what *hooks* find, one after another in one process."""
    for hook in hooks:
        (out / hook).mkdir(parents=True)
    log = out / "log"
    process = HookProcess(backend, root, environment={"FOUND": str(log)})
    outcomes = process(*(call_into(hook, out / hook) for hook in hooks))
    if backend == OURS:
        assert [outcome.error for outcome in outcomes] == [""] * len(hooks), process.output
    return [json.loads(line.replace(str(out), "OUT")) for line in log.read_text().splitlines()]


def test_six_hooks_of_one_process_are_each_as_in_a_fresh_one(root: Path, tmp_path: Path) -> None:
    for backend in (OURS, PLAIN):
        fresh = [
            one
            for number, hook in enumerate(SIX)
            for one in found(root, tmp_path / f"{backend}-{number}", backend, hook)
        ]
        together = found(root, tmp_path / f"{backend}-together", backend, *SIX)
        if backend == OURS:
            assert together == fresh
            assert {one["builds"] for one in together} == {1}
        else:  # the control: tox gives them processes of their own
            assert together[1:] != fresh[1:]


@posix
@pytest.mark.parametrize("what", ["os.rename(root, root + '2')", "shutil.rmtree(root)"])
@pytest.mark.parametrize("then", ["", "; os.chdir('/')"])
def test_the_root_may_be_moved_or_removed_as_under_setuptools(
    what: str, then: str, tmp_path: Path
) -> None:
    """In the frontend's process, and in one of its own."""
    results = []
    for backend, first in ((PLAIN, 0), (OURS, 0), (OURS, 1)):
        place = tmp_path / f"{backend}{first}"
        place.mkdir()
        other = simple(place / "other")
        root = simple(place / "root")
        with (root / "setup.py").open("a") as file:
            file.write(f"import shutil\nroot = os.getcwd()\n{what}{then}\n")
        code = (
            "import importlib, os, sys\n"
            f"backend = importlib.import_module({backend!r})\n"
            f"for root in {[str(other)] * first + [str(root)]}:\n"
            "    os.chdir(root)\n"
            f"    made = backend.build_wheel({str(place / 'out')!r})\n"
            "print(made)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        results.append(members(place / "out" / done.stdout.splitlines()[-1]))
    assert results[0] == results[1] == results[2]
