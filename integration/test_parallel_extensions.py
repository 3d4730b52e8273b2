"""Extensions that share a source, compiled at the same time: ``build_ext --parallel``.

The compiler is the real one behind a script that makes the window wide: an extension's object of
the shared source is complete, and yet is not linked before those of the others are, too. What
setuptools makes of the same tree one after the other is the right result.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Environment
from .frontends import OURS, PLAIN, Finished, build_command, run

EXTENSIONS = 6
WORKERS = 4

PARALLEL = ("-C--build-option=build_ext", f"-C--build-option=-j{WORKERS}")

PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "{backend}"
"""

SETUP = f"""\
from setuptools import Extension, setup

setup(
    name="shared",
    version="1",
    ext_modules=[
        Extension(
            f"shared._part{{number}}",
            [f"src/part{{number}}.c", "src/common.c"],
            define_macros=[("PART", str(number))],
        )
        for number in range({EXTENSIONS})
    ],
)
"""

COMMON = "const char *part(void) { return words[PART]; }\n"

PART = """\
#include <Python.h>

extern const char *part(void);

static PyObject *get(PyObject *self, PyObject *none) {{ return PyUnicode_FromString(part()); }}
static PyMethodDef methods[] = {{{{"get", get, METH_NOARGS, ""}}, {{NULL, NULL, 0, NULL}}}};
static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "_part{number}", "", -1, methods}};
PyMODINIT_FUNC PyInit__part{number}(void) {{ return PyModule_Create(&module); }}
"""

#: Compiles, and then waits until as many shared objects are complete as there are workers.
COMPILER = """\
#!/bin/sh
gcc "$@" || exit
case "$MEETING $*" in /*\\ -c\\ src/common.c*) ;; *) exit 0 ;; esac
: > "$MEETING/$$"
for _ in $(seq 3000); do
    set -- "$MEETING"/*
    [ $# -lt {workers} ] || exit 0
    sleep 0.01
done
echo "nobody else compiles" >&2
exit 1
"""

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project of six extensions that share one source."""
    root = tmp_path / "shared"
    (root / "src").mkdir(parents=True)
    words = ", ".join(f'"part {number}"' for number in range(EXTENSIONS))
    (root / "src" / "common.c").write_text(f"static const char *words[] = {{{words}}};\n{COMMON}")
    for number in range(EXTENSIONS):
        (root / "src" / f"part{number}.c").write_text(PART.format(number=number))
    (root / "setup.py").write_text(SETUP)
    return root


@pytest.fixture
def compiler(tmp_path: Path) -> Path:
    """The compiler with the wide window; it is wide while ``MEETING`` names a directory."""
    compiler = tmp_path / "compiler"
    compiler.write_text(COMPILER.format(workers=WORKERS))
    compiler.chmod(0o755)
    return compiler


class Builder:
    """Builds wheels of the project, always at the same path."""

    def __init__(self, venv: Environment, root: Path, env: dict[str, str], compiler: Path) -> None:
        self._python = venv.python
        self._root = root
        self._env = env | {"CC": str(compiler)}
        self._builds = 0

    def __call__(self, backend: str, *options: str) -> Finished | dict[str, bytes]:
        """Build with *backend* and return the extensions, or how that failed."""
        self._builds += 1
        here = self._root.parent / f"build{self._builds}"
        (here / "meeting").mkdir(parents=True)
        shutil.rmtree(self._root / "build", ignore_errors=True)
        (self._root / "pyproject.toml").write_text(PYPROJECT.format(backend=backend))
        command = build_command(self._python, self._root, "-nwo", str(here / "out"), *options)
        variables = {"MEETING": str(here / "meeting")} if options else {}
        done = run(command, self._env | variables)
        if done.status:
            return done
        (wheel,) = (here / "out").iterdir()
        with zipfile.ZipFile(wheel) as archive:
            made = {name: archive.read(name) for name in archive.namelist()}
        shutil.rmtree(here)
        return {name: content for name, content in made.items() if name.endswith(".so")}


@pytest.mark.parametrize("rounds", [2, pytest.param(50, marks=pytest.mark.long)])
def test_all_at_once_are_what_setuptools_makes_one_after_the_other(
    rounds: int,
    root: Path,
    venv: Environment,
    env: dict[str, str],
    compiler: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """To the byte. The control: in the same rounds plain setuptools makes wrong ones."""
    build = Builder(venv, root, env, compiler)
    right = build(PLAIN)
    assert isinstance(right, dict), right.output
    assert len(right) == len(set(right.values())) == EXTENSIONS
    assert build(OURS) == right
    wrong = 0
    for _ in range(rounds):
        assert build(OURS, *PARALLEL) == right
        wrong += build(PLAIN, *PARALLEL) != right
    assert wrong
    record_property(
        "figures",
        f"{rounds} rounds of build_ext -j{WORKERS} of {EXTENSIONS} extensions with one source in "
        f"common: {rounds} as the serial build, to the byte; with setuptools alone {wrong} wrong",
    )
