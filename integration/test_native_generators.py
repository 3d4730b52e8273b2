"""C code that SWIG or Cython's workers write into the tree, compiled by builds at once."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import call, once, python_of
from .frontends.run import Command, environment, run_at_once
from .test_unseen_writers import HOOK

PYPROJECT = """\
[build-system]
requires = ["setuptools", "isolated-backend"]
build-backend = "isolated_backend"

[tool.isolated-backend]
in-tree-writes = "{writes}"
"""

#: setuptools' own support of SWIG, which is a program that it starts.
SWIG_SETUP = """\
from setuptools import Extension, setup

extension = Extension("pkg.fast", ["pkg/fast.i"])
setup(name="native", version="1", packages=["pkg"], ext_modules=[extension])
"""

#: SWIG as far as this takes: it writes a C file, and for a while only its first half.
SWIG = """\
#!{python}
import os, sys, time

FIRST = '''
#include <Python.h>
static PyModuleDef module = {{PyModuleDef_HEAD_INIT, "fast", "", -1, NULL}};
'''
SECOND = "PyMODINIT_FUNC PyInit_fast(void) {{ return PyModule_Create(&module); }}"

target = sys.argv[sys.argv.index("-o") + 1]
end = time.monotonic() + float(os.environ["WINDOW"])
while time.monotonic() < end:
    with open(target, "w") as file:
        file.write(FIRST)
    time.sleep(0.01)
with open(target, "w") as file:
    file.write(FIRST + SECOND)
"""

CYTHON_SETUP = """\
from Cython.Build import cythonize
from setuptools import setup

sources = ["pkg/fast.pyx", "pkg/other.pyx"]
setup(name="native", version="1", packages=["pkg"], ext_modules=cythonize(sources, nthreads=2))
"""

#: Has each process that runs Python write C files slowly.
SLOW = """\
import builtins, io, os, time

original = io.open

class Slow(io.StringIO):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def close(self):
        if not self.closed:
            text = self.getvalue()
            end = time.monotonic() + float(os.environ["WINDOW"])
            while time.monotonic() < end:
                with original(self.path, "w") as file:
                    file.write(text[: len(text) // 2])
                time.sleep(0.01)
            with original(self.path, "w") as file:
                file.write(text)
        super().close()

def slow_open(path, mode="r", *args, **kwargs):
    if mode == "w" and str(path).endswith(".c"):
        return Slow(path)
    return original(path, mode, *args, **kwargs)

builtins.open = slow_open
"""


@dataclass(frozen=True)
class Native:
    """A project with an extension whose C code is generated, and what it takes to build it."""

    python: Path
    tools: Path
    sources: dict[str, str]
    variables: dict[str, str]

    def faults(self, place: Path, writes: str) -> list[str]:
        """Build four wheels at once; return what is wrong with them."""
        root = place / "root"
        (root / "pkg").mkdir(parents=True)
        for name, text in self.sources.items():
            (root / name).write_text(text)
        (root / "pyproject.toml").write_text(PYPROJECT.format(writes=writes))
        commands = []
        for number in range(4):
            out = place / f"out{number}"
            out.mkdir()
            window = {"WINDOW": f"{0.3 * (number + 1):.1f}"}
            words = [str(self.python), "-c", HOOK, "build_wheel", str(out)]
            commands.append(Command(words, root, window))
        variables = environment(place / "tmp", CFLAGS="-O0 -g0", **self.variables)
        results = run_at_once(commands, variables, place / "logs")
        faults = [result.output for result in results if result.status]
        for number, wheel in enumerate(place.glob("out*/*.whl")):
            faults += self._fault(wheel, place / f"unpacked{number}")
        return faults

    def _fault(self, wheel: Path, where: Path) -> list[str]:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(where)
        command = [str(self.python), "-c", "import pkg.fast"]
        done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
        return [done.stderr] if done.returncode else []


@pytest.fixture
def swig(tmp_path: Path) -> Native:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "swig").write_text(SWIG.format(python=sys.executable))
    (tools / "swig").chmod(0o755)
    sources = {"setup.py": SWIG_SETUP, "pkg/__init__.py": "", "pkg/fast.i": "%module fast\n"}
    path = f"{tools}:{environment(tmp_path / 'unused')['PATH']}"
    return Native(Path(sys.executable), tools, sources, {"PATH": path})


@pytest.fixture(params=["this", "3.14"])
def cython(
    request: pytest.FixtureRequest, common: Path, wheelhouse: Path, tmp_path: Path
) -> Native:
    """Cython, on this Python and on one that starts workers by forkserver."""
    base = sys.executable if request.param == "this" else shutil.which("python3.14")
    if base is None:
        pytest.skip("there is no python3.14 on PATH")

    def make(directory: Path) -> None:
        call(str(base), "-m", "venv", "--without-pip", directory)
        pip = [sys.executable, "-m", "pip", "--python", str(python_of(directory)), "install", "-q"]
        call(*pip, "--find-links", wheelhouse, "isolated-backend", "cython")

    python = python_of(once(common / f"cython-{request.param}", make))
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "sitecustomize.py").write_text(SLOW)
    sources = {
        "setup.py": CYTHON_SETUP,
        "pkg/__init__.py": "",
        "pkg/fast.pyx": "def answer():\n    return 42\n",
        "pkg/other.pyx": "def other():\n    return 43\n",
    }
    return Native(python, slow, sources, {"PYTHONPATH": str(slow)})


def holds(native: Native, tmp_path: Path, rounds: int) -> None:
    for number in range(rounds):
        assert native.faults(tmp_path / str(number), "auto") == []


def fails(native: Native, tmp_path: Path) -> None:
    assert any(native.faults(tmp_path / str(number), "allow") for number in range(10))


ROUNDS = pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.long)])


@ROUNDS
@pytest.mark.usefixtures("whole_machine")
def test_what_swig_writes_is_compiled_whole(swig: Native, rounds: int, tmp_path: Path) -> None:
    holds(swig, tmp_path, rounds)


@pytest.mark.usefixtures("whole_machine")
def test_without_the_lock_what_swig_writes_is_not(swig: Native, tmp_path: Path) -> None:
    """The control."""
    fails(swig, tmp_path)


@ROUNDS
@pytest.mark.usefixtures("whole_machine")
def test_what_cythons_workers_write_is_compiled_whole(
    cython: Native, rounds: int, tmp_path: Path
) -> None:
    holds(cython, tmp_path, rounds)


@pytest.mark.usefixtures("whole_machine")
def test_without_the_lock_what_cythons_workers_write_is_not(cython: Native, tmp_path: Path) -> None:
    """The control."""
    fails(cython, tmp_path)
