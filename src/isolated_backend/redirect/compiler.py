"""Compilers: without an output directory, in setuptools' own probes, and at the same time.

Without a directory they write into the current one, which is the project root: ``tmp/x.o`` for a
probe in ``/tmp/x.c``, ``a.out``, ``_configtest.c``. Builds would overwrite one another's.
"""

from __future__ import annotations

import copy
import os
import re
import threading
from typing import TYPE_CHECKING, Any

from .replacement import Replacements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..call import Call
    from .replacement import Method

replaces = Replacements()

_COMPILER = ("distutils.ccompiler", "CCompiler")
_CONFIG = ("distutils.command.config", "config")

#: The name of a directory in the place of ``..``.
_CLIMBED = "="

_DIRECTIVE = re.compile(r"^\s*#.*", re.MULTILINE)
_NAME = re.compile(r'(?<!\\)"([^"\n\\]+)"')


@replaces(*_COMPILER, "_fix_compile_args")
def _fix_compile_args(call: Call, original: Method, self: Any, *args: Any) -> Any:
    """Compile into the shadow without an output directory: every ``compile`` calls this."""
    output_dir, *others = original(self, *args)
    return output_dir or _directory(call) or output_dir, *others


@replaces(*_COMPILER, "object_filenames")
def _object_filenames(
    call: Call,
    original: Method,
    self: Any,
    source_filenames: Sequence[str],
    strip_dir: Any = False,
    output_dir: Any = "",
) -> list[str]:
    """Name the objects that ``compile`` makes, and let none climb out to where others build."""
    output_dir = output_dir or self.output_dir or _directory(call) or ""
    names = original(self, source_filenames, strip_dir, output_dir)
    return [_kept_in(output_dir, name) for name in names]


def _kept_in(directory: str, name: str) -> str:
    """Return *name*, or where it climbs out of *directory* (``../x.o``), a place for it in that."""
    inside = os.path.relpath(name, directory or os.curdir)
    if not inside.startswith(os.pardir):
        return name
    steps = (_CLIMBED if step == os.pardir else step for step in inside.split(os.sep))
    return os.path.join(directory, *steps)


@replaces(*_COMPILER, "has_function")
def _has_function(call: Call, original: Method, self: Any, *args: Any, **kwargs: Any) -> Any:
    """Link ``a.out`` in the shadow."""
    return original(_with_directory(call, self), *args, **kwargs)


@replaces(*_CONFIG, "_gen_temp_sourcefile")
def _gen_temp_sourcefile(
    call: Call, original: Method, self: Any, body: str, headers: Sequence[str] | None, lang: str
) -> str:
    """Write ``_configtest.c`` to the shadow; what it includes may be beside it in the root."""
    directory = _directory(call)
    if directory is None:
        return str(original(self, body, headers, lang))
    from distutils.command.config import LANG_EXT

    path = os.path.join(directory, "_configtest" + LANG_EXT[lang])
    with open(path, "w", encoding="utf-8") as file:
        if headers:
            file.writelines([*(f"#include <{header}>\n" for header in headers), "\n"])
        file.write(body and _DIRECTIVE.sub(_with_paths, body))
        if body[-1] != "\n":
            file.write("\n")
    return path


def _with_paths(directive: re.Match[str]) -> str:
    """Return the *directive* of a preprocessor with the paths of files in the current directory."""

    def path_of(name: re.Match[str]) -> str:
        path = os.path.abspath(name[1]).replace(os.sep, "/")
        return f'"{path}"' if os.path.isfile(path) else name[0]

    return _NAME.sub(path_of, directive[0])


@replaces(*_CONFIG, "_preprocess")
def _preprocess(
    call: Call, original: Method, self: Any, body: Any, headers: Any, include_dirs: Any, lang: str
) -> Any:
    """Preprocess to the shadow: ``_configtest.i`` is a name in the current directory."""
    source = self._gen_temp_sourcefile(body, headers, lang)
    output = os.path.splitext(source)[0] + ".i"
    self.temp_files.extend([source, output])
    self.compiler.preprocess(source, output, include_dirs=include_dirs)
    return source, output


@replaces(*_CONFIG, "_link")
def _link(call: Call, original: Method, self: Any, *args: Any, **kwargs: Any) -> Any:
    """Link a program in the shadow. It is run where setuptools would find it by its mere name."""
    compiler = self.compiler
    self.compiler = _with_directory(call, compiler)
    try:
        source, made, name = original(self, *args, **kwargs)
        program = os.path.join(self.compiler.output_dir or "", name)
    finally:
        self.compiler = compiler
    self.temp_files[-1] = program
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    is_found = os.name == "nt" or not {"", os.curdir, os.getcwd()}.isdisjoint(path)
    return source, made, program if is_found else name


@replaces("distutils.command.build_ext", "build_ext", "build_extension")
def _own_objects(call: Call, original: Method, self: Any, ext: Any) -> None:
    """Compile an extension in a directory of its own while others are being compiled.

    Those that share a source would link one another's objects (pypa/setuptools#3942, #5132, #5196).
    In the hook's own thread they do not meet, and the project finds objects where setuptools has
    them. The threads have ``self`` in common, so ``build_temp`` is another only in a copy of it.
    """
    if threading.current_thread() is threading.main_thread():
        original(self, ext)
        return
    own = copy.copy(self)
    own.build_temp = os.path.join(self.build_temp, f"extension.{ext.name}")
    original(own, ext)
    if "_built_objects" in vars(own):
        self._built_objects = own._built_objects


def _with_directory(call: Call, compiler: Any) -> Any:
    """Return *compiler* if it has an output directory, or a copy: other threads may be using it."""
    directory = compiler.output_dir or _directory(call)
    if directory != compiler.output_dir:
        compiler = copy.copy(compiler)
        compiler.output_dir = directory
    return compiler


def _directory(call: Call) -> str | None:
    """Return the current directory's place in the shadow; ``None`` if it is this call's alone."""
    current = os.getcwd()
    directory = call.shadow.relocate(current)
    if directory == current:
        return None
    os.makedirs(directory, exist_ok=True)
    return directory
