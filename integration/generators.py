"""Projects whose trees are written by something that no audit event tells of, slowly.

Each generates ``pkg/generated.py`` (or a C file) in two halves, with time in between for another
build to come by.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

#: Names the seconds for which a file is half-written.
WINDOW = "GENERATOR_WINDOW"

PYPROJECT = """\
[build-system]
requires = ["setuptools", "isolated-backend"]
build-backend = "isolated_backend"

[tool.isolated-backend]
{settings}
"""

HALVES = ("VALUE = [\n", "    1,\n]\n")

#: A program that writes the file that it is told. For a while, it is half-written.
GENERATOR = f"""\
import os, sys, time

def write(path):
    end = time.monotonic() + float(os.environ[{WINDOW!r}])
    while time.monotonic() < end:
        with open(path, "w") as file:
            file.write({HALVES[0]!r})
        time.sleep(0.01)
    with open(path, "w") as file:
        file.write({"".join(HALVES)!r})

if __name__ == "__main__":
    write(sys.argv[1])
"""

#: Calls that have the generator write ``pkg/generated.py``, each by another way.
PROGRAMS = {
    "subprocess": "import subprocess; subprocess.run([sys.executable, *WORDS], check=True)",
    "a script by its path, elsewhere": """
        import subprocess, tempfile
        script, target = map(os.path.abspath, WORDS)
        subprocess.run([sys.executable, script, target], cwd=tempfile.gettempdir(), check=True)
    """,
    "shell=True": """
        import subprocess
        subprocess.run(" ".join([sys.executable, *WORDS]), shell=True, check=True)
    """,
    "os.system": "assert os.system(' '.join([sys.executable, *WORDS])) == 0",
    "sh -c": """
        import subprocess
        command = "cd . && " + " ".join([sys.executable, *WORDS])
        subprocess.run(["env", "X=1", "sh", "-c", command], check=True)
    """,
    "os.posix_spawn": """
        pid = os.posix_spawn(sys.executable, [sys.executable, *WORDS], os.environ)
        assert os.waitpid(pid, 0)[1] == 0
    """,
    "os.fork and os.execv": """
        pid = os.fork()
        if pid == 0:
            os.execv(sys.executable, [sys.executable, *WORDS])
        assert os.waitpid(pid, 0)[1] == 0
    """,
    "os.spawnv": "assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, *WORDS]) == 0",
    "npm": "import subprocess; subprocess.run(['./npm', 'run', 'build'], check=True)",
    "make": "import subprocess; subprocess.run(['make', '-s', '-C', 'pkg'], check=True)",
}

WORKERS = {
    "spawn": """
        import multiprocessing
        worker = multiprocessing.get_context("spawn").Process(target=gen.write, args=WORDS[1:])
        worker.start(); worker.join(); assert worker.exitcode == 0
    """,
    "forkserver": """
        import multiprocessing
        worker = multiprocessing.get_context("forkserver").Process(target=gen.write, args=WORDS[1:])
        worker.start(); worker.join(); assert worker.exitcode == 0
    """,
    "the default start method": """
        import multiprocessing
        with multiprocessing.Pool(2) as pool:
            pool.map(gen.write, WORDS[1:])
    """,
    "concurrent.futures": """
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
            list(pool.map(gen.write, WORDS[1:]))
    """,
}

#: Builds inside of builds: the inner one runs the generator in its own process.
NESTED = {
    "in a child": """
        if "INNER" not in os.environ:
            import subprocess, tempfile
            code = "import sys, isolated_backend as b; b.build_wheel(sys.argv[1])"
            with tempfile.TemporaryDirectory() as out:
                command = [sys.executable, "-c", code, out]
                subprocess.run(command, env={**os.environ, "INNER": "1"}, check=True)
        else:
            gen.write(WORDS[1])
    """,
    "in a forked child": """
        if "INNER" not in os.environ:
            import isolated_backend, tempfile
            pid = os.fork()
            if pid == 0:
                os.environ["INNER"] = "1"
                with tempfile.TemporaryDirectory() as out:
                    isolated_backend.build_wheel(out)
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        else:
            gen.write(WORDS[1])
    """,
    "in this process": """
        if "INNER" not in os.environ:
            import isolated_backend, tempfile
            os.environ["INNER"] = "1"
            with tempfile.TemporaryDirectory() as out:
                isolated_backend.build_wheel(out)
            del os.environ["INNER"]
        else:
            gen.write(WORDS[1])
    """,
}

#: An extension module that does what the generator does.
UNSEEN = r"""
#include <Python.h>
#include <stdio.h>
#include <time.h>

static PyObject *write_it(PyObject *self, PyObject *args)
{
    const char *path, *texts[] = {"VALUE = [\n", "VALUE = [\n    1,\n]\n"};
    double seconds;
    struct timespec pause = {0, 10000000};
    FILE *file;
    if (!PyArg_ParseTuple(args, "sd", &path, &seconds))
        return NULL;
    for (int rest = seconds * 100; rest >= 0; rest--) {
        if (!(file = fopen(path, "w")))
            return PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
        fputs(texts[rest == 0], file);
        fclose(file);
        nanosleep(&pause, NULL);
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"write", write_it, METH_VARARGS, ""}, {NULL}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "unseen", "", -1, methods};
PyMODINIT_FUNC PyInit_unseen(void) { return PyModule_Create(&module); }
"""

IN_PROCESS = {
    "an extension module": """
        import unseen
        unseen.write(WORDS[1], float(os.environ["GENERATOR_WINDOW"]))
    """,
    "an extension module in a forked worker": """
        import multiprocessing

        def write(path):
            import unseen
            unseen.write(path, float(os.environ["GENERATOR_WINDOW"]))

        worker = multiprocessing.get_context("fork").Process(target=write, args=WORDS[1:])
        worker.start(); worker.join(); assert worker.exitcode == 0
    """,
}

#: The same, with a package that lies outside of the roots of two projects.
OUTSIDE = {
    "outside the root": "gen.write(WORDS[1])",
    "outside the root, by a program": PROGRAMS["subprocess"],
}

SETUP = """\
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gen
from setuptools import setup

WORDS = ["gen.py", "{package}/generated.py"]
{generate}
setup(name="generated", version="1", packages=["pkg"], package_dir={{"pkg": "{package}"}})
"""


def project(
    root: Path, generate: str, python: Path, settings: str = "", *, package: str = "pkg"
) -> Path:
    """Write a project whose setup.py runs the code *generate*.

    Args:
        root: where; it must not exist yet.
        generate: calls the generator.
        python: the interpreter for its programs.
        settings: for the backend, in TOML.
        package: where its package is.
    """
    root.mkdir(parents=True)
    (root / package).mkdir(parents=True, exist_ok=True)
    (root / package / "__init__.py").touch()
    (root / package / "generated.py").write_text("".join(HALVES))
    (root / package / "Makefile").write_text(f"all:\n\t{python} ../gen.py generated.py\n")
    (root / "gen.py").write_text(GENERATOR)
    (root / "npm").write_text(f"#!/bin/sh\nexec {python} gen.py pkg/generated.py\n")
    (root / "npm").chmod(0o755)
    setup = SETUP.format(generate=dedent(generate).strip(), package=package)
    (root / "setup.py").write_text(setup)
    (root / "pyproject.toml").write_text(PYPROJECT.format(settings=settings))
    return root
