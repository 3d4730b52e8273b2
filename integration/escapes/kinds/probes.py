"""Probe compiles: what distutils' compiler writes where nobody has named a directory."""

from __future__ import annotations

from .kind import Kind, c_source

_SETUP = """
import os, sys, tempfile
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

class Probing(build_ext):
    def build_extensions(self):
        self.probe()
        super().build_extensions()

    def probe(self):
        {probe}

setup(
    ext_modules=[Extension("module", ["module.c"])], cmdclass={{"build_ext": Probing}}
)
"""

_MAIN = '"int main(void) { return 0; }"'


def _probe(name: str, *lines: str) -> Kind:
    text = _SETUP.format(probe="\n        ".join(lines))
    return Kind(name, {"setup.py": text, "module.c": c_source("module")})


def _configure(name: str) -> Kind:
    return _probe(
        name,
        'command = self.distribution.get_command_obj("config")',
        "command.dump_source = False",
        f"command.{name}({_MAIN})",
    )


KINDS = [
    _probe("has_function", 'self.compiler.has_function("strlcpy")'),
    *map(_configure, ("try_compile", "try_link", "try_run", "try_cpp")),
    _probe(
        "compile_temporary_file",
        'with tempfile.NamedTemporaryFile("w", suffix=".c") as file:',
        f"    file.write({_MAIN})",
        "    file.flush()",
        "    self.compiler.compile([file.name])",
    ),
    _probe(
        "compile_temporary_directory",
        "with tempfile.TemporaryDirectory() as directory:",
        '    source = os.path.join(directory, "probe.c")',
        '    with open(source, "w") as file:',
        f"        file.write({_MAIN})",
        "    objects = self.compiler.compile([source], output_dir=directory)",
        '    self.compiler.link_executable(objects, os.path.join(directory, "probe"))',
    ),
    _probe(
        "compile_in_root",
        'with open("conftest.c", "w") as file:',
        f"    file.write({_MAIN})",
        'objects = self.compiler.compile(["conftest.c"])',
        'self.compiler.link_executable(objects, "conftest")',
        'for name in ["conftest.c", "conftest", *objects]:',
        "    os.unlink(name)",
    ),
    _probe(
        "new_compiler",
        "from distutils.ccompiler import new_compiler",
        "from distutils.sysconfig import customize_compiler",
        "compiler = new_compiler()",
        "customize_compiler(compiler)",
        'compiler.has_function("printf", includes=["stdio.h"])',
    ),
    Kind(
        "compiler_told_a_file",
        {
            "module.c": c_source("module"),
            "setup.py": """
                from setuptools import Extension, setup

                setup(
                    ext_modules=[
                        Extension(
                            "module", ["module.c"],
                            extra_compile_args=["-MMD", "-MF", "probe.d"],
                            extra_link_args=["-Wl,-Map,probe.map"],
                        )
                    ]
                )
            """,
        },
    ),
    Kind(
        "inplace_configured",
        {
            "module.c": c_source("module"),
            "setup.py": """
                from setuptools import Extension, setup

                setup(ext_modules=[Extension("module", ["module.c"])])
            """,
            "setup.cfg": "[build_ext]\ninplace = 1\n",
        },
    ),
]
