"""Compilers that are called without an output directory, and setuptools' own probes.

They write into the current directory, which is the project root: ``tmp/x.o`` for a probe in
``/tmp/x.c``, ``a.out``, ``_configtest.c``. Builds at the same time would overwrite one another's.
"""

from __future__ import annotations

import copy
import os
import re
from typing import TYPE_CHECKING, Any
from zlib import crc32

from ..shadow.paths import below
from .replacement import Replacements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..call import Call
    from .replacement import Method

replaces = Replacements()

_COMPILER = ("distutils.ccompiler", "CCompiler")
_CONFIG = ("distutils.command.config", "config")

_DIRECTIVE = re.compile(r"^\s*#.*", re.MULTILINE)
_NAME = re.compile(r'(?<!\\)"([^"\n\\]+)"')


@replaces(*_COMPILER, "_fix_compile_args")
def _fix_compile_args(call: Call, original: Method, self: Any, *args: Any) -> Any:
    """Compile into the shadow what is compiled into no directory.

    Every compiler's ``compile`` comes by here, whatever it, or numpy.distutils, makes of
    ``object_filenames``.
    """
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
    if not output_dir and not self.output_dir:
        output_dir = _directory(call) or output_dir
    names = original(self, source_filenames, strip_dir, output_dir)
    return [_kept_in(call, output_dir or "", name) for name in names]


def _kept_in(call: Call, directory: str, name: str) -> str:
    """Return *name*, or a place in the slot for it if it climbs out of *directory*.

    In the slot, only one that climbs beyond the file system's root is another (``/..`` is ``/``).
    """
    if call.shadow.is_in_slot(directory):
        return call.shadow.confined(name)
    here, there = os.path.abspath(directory), os.path.abspath(name)
    if below(there, here) is not None:
        return name
    # A temporary directory, or one that was asked for. Extensions that are compiled at the same
    # time have such directories side by side.
    place = os.path.join(call.shadow.slot, f"climbing.{crc32(os.fsencode(here)):08x}")
    return place + os.path.splitdrive(there)[1]


@replaces(*_COMPILER, "has_function")
def _has_function(call: Call, original: Method, self: Any, *args: Any, **kwargs: Any) -> Any:
    """Link ``a.out`` in the shadow.

    By a copy of the compiler, because other threads may be compiling with it.
    """
    directory = None if self.output_dir else _directory(call)
    if directory:
        self = copy.copy(self)
        self.output_dir = directory
    return original(self, *args, **kwargs)


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


@replaces(*_CONFIG, "_compile")
def _compile(
    call: Call, original: Method, self: Any, body: Any, headers: Any, include_dirs: Any, lang: str
) -> Any:
    """Name the object's directory, for a compiler that names objects in a way of its own."""
    directory = None if self.compiler.output_dir else _directory(call)
    if directory is None:
        return original(self, body, headers, include_dirs, lang)
    from distutils.command.config import dump_file

    source = self._gen_temp_sourcefile(body, headers, lang)
    if self.dump_source:
        dump_file(source, f"compiling '{source}':")
    (made,) = self.compiler.object_filenames([source], output_dir=directory)
    self.temp_files.extend([source, made])
    self.compiler.compile([source], output_dir=directory, include_dirs=include_dirs)
    return source, made


@replaces(*_CONFIG, "_link")
def _link(
    call: Call,
    original: Method,
    self: Any,
    body: Any,
    headers: Any,
    include_dirs: Any,
    libraries: Any,
    library_dirs: Any,
    lang: str,
) -> Any:
    """Link the probe's program in the shadow."""
    directory = None if self.compiler.output_dir else _directory(call)
    if directory is None:
        return original(self, body, headers, include_dirs, libraries, library_dirs, lang)
    source, made = self._compile(body, headers, include_dirs, lang)
    program = os.path.splitext(os.path.basename(source))[0]
    self.compiler.link_executable(
        [made],
        program,
        output_dir=directory,
        libraries=libraries,
        library_dirs=library_dirs,
        target_lang=lang,
    )
    program = os.path.join(directory, program + (self.compiler.exe_extension or ""))
    self.temp_files.append(program)
    return source, made, program


@replaces(*_CONFIG, "spawn")
def _spawn(
    call: Call, original: Method, self: Any, cmd: Sequence[str], *args: Any, **kwargs: Any
) -> Any:
    """Run the probe's program only where setuptools would find it: it gives a name, and no path."""
    found = os.path.dirname(cmd[0]) != _directory(call) or _runs_from_current_directory()
    name = cmd[0] if found else os.path.basename(cmd[0])
    return original(self, [name, *cmd[1:]], *args, **kwargs)


def _directory(call: Call) -> str | None:
    """Return the directory in the shadow that stands for the current one.

    ``None`` where that is this call's alone already: a temporary directory, or one in the slot.
    """
    current = os.getcwd()
    directory = call.shadow.relocate(current)
    if directory == current:
        return None
    os.makedirs(directory, exist_ok=True)
    return directory


def _runs_from_current_directory() -> bool:
    """Tell whether a program is found in the current directory by its name."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.name == "nt" or not {"", os.curdir, os.getcwd()}.isdisjoint(entries)
