"""Asks the compiler all that distutils can ask, and ships the answers."""

import json
import os
import tempfile
from contextlib import contextmanager
from distutils.ccompiler import new_compiler
from distutils.command.config import config
from distutils.errors import CompileError
from distutils.sysconfig import customize_compiler

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

MAIN = "int main(void) { return %s; }\n"
GOOD, BAD, FAILING = MAIN % "0", MAIN % "nowhere", MAIN % "1"
UNRESOLVED = "int nowhere(void);\n" + MAIN % "nowhere()"
READS = "#include <stdio.h>\n" + MAIN % 'fopen("local.h", "r") == 0'


def of_functions(compiler):
    yield "strlen", compiler.has_function("strlen")
    yield "sqrt", compiler.has_function("sqrt", libraries=["m"])
    yield "nowhere", compiler.has_function("nowhere_at_all")
    yield "no library", compiler.has_function("strlen", libraries=["nowhere"])


def of_compilations(asks):
    including = {
        "beside": '#include "local.h"\nint x = LOCAL;\n',
        "below": '#include "include/sub.h"\nint x = SUB;\n',
        "through another": '#include "chain.h"\nint x = LOCAL;\n',
        "if there": '#if __has_include("local.h")\n#include "local.h"\n#endif\nint x = LOCAL;\n',
        "named by a macro": '#define H "local.h"\n#include H\nint x = LOCAL;\n',
        "in the search path only": '#include "sub.h"\nint x = SUB;\n',
        "not beside": "#include <local.h>\nint x = LOCAL;\n",
        "nowhere": '#include "nowhere.h"\n',
    }
    for name, body in including.items():
        yield f"includes {name}", asks.try_compile(body)
    yield "includes by path", asks.try_compile('#include "sub.h"\n', include_dirs=["include"])
    yield "first line", asks.try_compile("#if __LINE__ != 1\n#error\n#endif\n" + GOOD)
    yield "with headers", asks.try_compile(GOOD, headers=["stdio.h", "string.h"])
    yield "no C", asks.try_compile(BAD)


def of_programs(asks):
    yield "links", asks.try_link(GOOD)
    yield "links a library", asks.try_link(GOOD, libraries=["m"])
    yield "links nowhere", asks.try_link(UNRESOLVED)
    yield "runs", asks.try_run(GOOD)
    path = os.environ["PATH"]
    os.environ["PATH"] = os.pathsep.join([os.curdir, path])
    yield "runs in PATH", asks.try_run(GOOD)
    yield "fails in PATH", asks.try_run(FAILING)
    yield "reads in PATH", asks.try_run(READS)
    os.environ["PATH"] = path


def of_texts(asks):
    yield "preprocesses", asks.try_cpp(GOOD)
    yield "preprocesses what is beside", asks.try_cpp('#include "local.h"\n')
    yield "preprocesses nothing", asks.try_cpp('#include "nowhere.h"\n')
    yield "finds", asks.search_cpp("= 42", '#include "local.h"\nint x = LOCAL;\n')
    yield "finds nothing", asks.search_cpp("= 43", '#include "local.h"\nint x = LOCAL;\n')
    yield "header", asks.check_header("stdio.h")
    yield "header nowhere", asks.check_header("nowhere.h")
    yield "header beside", asks.check_header("local.h")
    yield "header by path", asks.check_header("local.h", include_dirs=["."])
    yield "function", asks.check_func("printf", headers=["stdio.h"])
    yield "function declared", asks.check_func("abort", decl=True, call=True)
    yield "function nowhere", asks.check_func("nowhere", decl=True, call=True)
    yield "library", asks.check_lib("m")
    yield "library nowhere", asks.check_lib("nowhere")


def of_objects(compiler):
    """What projects do themselves, without a directory for the objects."""
    with tempfile.TemporaryDirectory() as directory:
        source = os.path.join(directory, "flag.c")
        with open(source, "w") as file:
            file.write(GOOD)
        yield "flag", accepts(compiler, source, "-O1")
        yield "no flag", accepts(compiler, source, "-fno-such-flag")
        objects = compiler.compile(["near/near.c"])
        compiler.link_executable(objects, "near", output_dir=directory)
        yield "linked by its names", os.path.exists(os.path.join(directory, "near"))
        here = os.getcwd()
        os.chdir(directory)
        yield "objects elsewhere", compiler.compile(["flag.c"]) == ["flag.o"]
        compiler.link_executable(["flag.o"], "flag")
        yield "program elsewhere", sorted(os.listdir()) == ["flag", "flag.c", "flag.o"]
        os.chdir(here)


def accepts(compiler, source, flag):
    try:
        compiler.compile([source], extra_postargs=[flag])
    except CompileError:
        return False
    return True


@contextmanager
def silence():
    """What compilers say has random names in it."""
    said = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(said, 2)
        os.close(nothing)
        os.close(said)


class AsksFirst(build_py):
    def run(self):
        super().run()
        if getattr(self, "editable_mode", False):
            return
        compiler = new_compiler()
        customize_compiler(compiler)
        asks = self.get_finalized_command("config")
        with silence():
            answers = {
                **dict(of_functions(compiler)),
                **dict(of_compilations(asks)),
                **dict(of_programs(config(Distribution()))),
                **dict(of_texts(asks)),
                **dict(of_objects(compiler)),
            }
        with open(os.path.join(self.build_lib, "probes", "answers.json"), "w") as file:
            json.dump(answers, file, indent=0)


setup(name="probes", version="1.0", packages=["probes"], cmdclass={"build_py": AsksFirst})
