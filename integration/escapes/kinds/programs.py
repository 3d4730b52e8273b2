"""Programs that a build starts and that write into the tree."""

from __future__ import annotations

from .kind import Kind, c_source

_SETUP = """
    import os, subprocess, sys
    from setuptools import setup
    from setuptools.command.build_py import build_py

    class Generate(build_py):
        def run(self):
            self.generate()
            super().run()

        def generate(self):
            {generate}

    setup(packages=["generated"], cmdclass={{"build_py": Generate}})
"""

_TOOL = """
    with open("generated/made.py", "w") as file:
        file.write("VALUE = 1\\n")
"""

_COMMAND = '[sys.executable, "tools/generate.py"]'


def _generator(name: str, *lines: str, settings: str = "", **more: str) -> Kind:
    files = {
        "setup.py": _SETUP.format(generate="\n            ".join(lines)),
        "generated/__init__.py": "",
        "tools/generate.py": _TOOL,
        **more,
    }
    return Kind(name, files, settings=settings)


_NESTED = (
    'ours = "isolated_backend" in sys.modules',
    'name = "isolated_backend" if ours else "setuptools.build_meta"',
)

_WRITING_MODULE = """
#include <Python.h>
#include <stdio.h>

static PyObject *generate(PyObject *self, PyObject *unused) {
    FILE *file = fopen("generated/made.py", "w");
    fputs("VALUE = 1\\n", file);
    fclose(file);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"generate", generate, METH_NOARGS, ""}, {NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "writing", "", -1, methods};

PyMODINIT_FUNC PyInit_writing(void) { return PyModule_Create(&definition); }
"""

KINDS = [
    _generator("generated_here", 'exec(open("tools/generate.py").read())'),
    _generator("generated_by_subprocess", f"subprocess.run({_COMMAND}, check=True)"),
    _generator("generated_by_system", 'os.system(f"{sys.executable} tools/generate.py")'),
    _generator(
        "generated_by_shell",
        'subprocess.run("echo VALUE = 1 > generated/made.py", shell=True, check=True)',
    ),
    _generator(
        "generated_by_posix_spawn",
        f"pid = os.posix_spawn(sys.executable, {_COMMAND}, os.environ)",
        "assert os.waitpid(pid, 0)[1] == 0",
    ),
    _generator(
        "generated_by_exec",
        "pid = os.fork()",
        "if pid == 0:",
        f"    os.execv(sys.executable, {_COMMAND})",
        "assert os.waitpid(pid, 0)[1] == 0",
    ),
    _generator(
        "generated_from_above",
        'made = os.path.join(os.path.basename(os.getcwd()), "generated/made.py")',
        'subprocess.run(["sh", "-c", f"echo VALUE = 1 > {made}"], cwd="..", check=True)',
    ),
    _generator(
        "generated_by_library",
        "import ctypes",
        "libc = ctypes.CDLL(None)",
        "libc.fopen.restype = ctypes.c_void_p",
        'file = ctypes.c_void_p(libc.fopen(b"generated/made.py", b"w"))',
        'libc.fputs(b"VALUE = 1\\\\n", file)',
        "libc.fclose(file)",
    ),
    _generator(
        "generated_by_extension",
        "import importlib.util, sysconfig, tempfile",
        "with tempfile.TemporaryDirectory() as directory:",
        '    path = os.path.join(directory, "writing.so")',
        '    include = "-I" + sysconfig.get_path("include")',
        '    command = ["gcc", "-shared", "-fPIC", include, "tools/writing.c", "-o", path]',
        "    subprocess.run(command, check=True)",
        '    spec = importlib.util.spec_from_file_location("writing", path)',
        "    module = importlib.util.module_from_spec(spec)",
        "    spec.loader.exec_module(module)",
        "    module.generate()",
        **{"tools/writing.c": _WRITING_MODULE},
    ),
    _generator(
        "generated_privately",
        'exec(open("tools/generate.py").read())',
        settings='in-tree-writes = "private"',
    ),
    _generator(
        "nested_in_child",
        "import tempfile",
        'if "NESTED" in os.environ:',
        '    return exec(open("tools/generate.py").read())',
        *_NESTED,
        "with tempfile.TemporaryDirectory() as out:",
        '    code = f"import sys, {name} as backend; backend.build_wheel(sys.argv[1])"',
        '    environment = {**os.environ, "NESTED": "1"}',
        '    command = [sys.executable, "-c", code, out]',
        "    subprocess.run(command, env=environment, check=True)",
    ),
    _generator(
        "nested_in_process",
        "import importlib, tempfile",
        'if "NESTED" in os.environ:',
        '    return exec(open("tools/generate.py").read())',
        *_NESTED,
        'os.environ["NESTED"] = "1"',
        "with tempfile.TemporaryDirectory() as out:",
        "    importlib.import_module(name).build_wheel(out)",
        'del os.environ["NESTED"]',
    ),
    _generator(
        "works_in_build_lib",
        "os.makedirs(self.build_lib, exist_ok=True)",
        'command = ["sh", "-c", "echo VALUE = 1 > made.py"]',
        "subprocess.run(command, cwd=self.build_lib, check=True)",
    ),
    _generator(
        "asks_only",
        'subprocess.run(["git", "--version"], check=False)',
        'subprocess.run(["uname", "-a"], check=True)',
    ),
    Kind(
        "swig",
        {
            "setup.py": """
                import os
                from setuptools import Extension, setup

                os.environ["PATH"] = os.path.abspath("tools") + os.pathsep + os.environ["PATH"]
                setup(packages=["ex"], ext_modules=[Extension("ex._ex", ["ex/ex.i"])])
            """,
            "ex/__init__.py": "",
            "ex/ex.i": c_source("_ex"),
            "tools/swig": """
                #!/bin/sh
                # Like swig: -python -o WRAPPER INTERFACE
                while [ $# -gt 1 ]; do
                    if [ "$1" = -o ]; then shift; wrapper=$1; fi
                    shift
                done
                cat "$1" > "$wrapper"
                echo > "${1%.i}.py"
            """,
        },
    ),
    Kind(
        "strict_editable",
        {"strict/__init__.py": "", "strict/module.py": ""},
        config_settings={"editable_mode": "strict"},
    ),
]
