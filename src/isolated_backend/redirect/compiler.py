"""Compilers that are called without an output directory, and setuptools' own probes.

They write into the current directory, which is the project root: ``tmp/x.o`` for a probe in
``/tmp/x.c``, ``a.out``, ``_configtest.c``. Builds at the same time would overwrite one another's.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from .replacement import Replacements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..call import Call
    from .replacement import Method

replaces = Replacements()

_COMPILER = ("distutils.ccompiler", "CCompiler")
_CONFIG = ("distutils.command.config", "config")

_INCLUDE = re.compile(r'^(\s*#\s*include\s*)"([^"\n]+)"', re.MULTILINE)


@replaces(*_COMPILER, "object_filenames")
def _object_filenames(call: Call, original: Method) -> Method:
    """Give objects that have no directory one in the shadow, and let none leave the slot.

    A name that climbs beyond the file system's root stays there (``/..`` is ``/``).
    """

    def object_filenames(
        self: Any, source_filenames: Sequence[str], strip_dir: Any = False, output_dir: Any = ""
    ) -> list[str]:
        if not output_dir and self.output_dir is None and call.shadow.is_in_root(os.getcwd()):
            output_dir = _directory(call)
        names = original(self, source_filenames, strip_dir, output_dir)
        return [call.shadow.confined(name) for name in names]

    return object_filenames


@replaces(*_COMPILER, "has_function")
def _has_function(call: Call, original: Method) -> Method:
    """Compile and link the probe in the shadow."""

    def has_function(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _linked_in_shadow(call, self, lambda: original(self, *args, **kwargs))

    return has_function


@replaces(*_CONFIG, "_gen_temp_sourcefile")
def _gen_temp_sourcefile(call: Call, original: Method) -> Method:
    """Write ``_configtest.c`` to the shadow; what it includes may be beside it in the root."""

    def beside(include: re.Match[str]) -> str:
        path = os.path.abspath(include[2])
        return f'{include[1]}"{path}"' if os.path.exists(path) else include[0]

    def gen_temp_sourcefile(self: Any, body: str, headers: Sequence[str] | None, lang: str) -> str:
        from distutils.command.config import LANG_EXT

        path = os.path.join(_directory(call), "_configtest" + LANG_EXT[lang])
        included = "".join(f"#include <{header}>\n" for header in headers or ())
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{included}\n{_INCLUDE.sub(beside, body)}\n")
        return path

    return gen_temp_sourcefile


@replaces(*_CONFIG, "_preprocess")
def _preprocess(call: Call, original: Method) -> Method:
    """Preprocess to the shadow: ``_configtest.i`` is a name in the current directory."""

    def preprocess(self: Any, body: Any, headers: Any, include_dirs: Any, lang: str) -> Any:
        source = self._gen_temp_sourcefile(body or "", headers, lang)
        output = os.path.splitext(source)[0] + ".i"
        self.temp_files.extend([source, output])
        self.compiler.preprocess(source, output, include_dirs=include_dirs)
        return source, output

    return preprocess


@replaces(*_CONFIG, "_link")
def _link(call: Call, original: Method) -> Method:
    """Link the probe in the shadow, and run it only where setuptools would have found it."""

    def link(self: Any, *args: Any) -> Any:
        linked = _linked_in_shadow(call, self.compiler, lambda: original(self, *args))
        source, made, program = linked
        path = os.path.join(_directory(call), program)
        self.temp_files[-1] = path
        return source, made, path if _runs_from_current_directory() else program

    return link


def _linked_in_shadow(call: Call, compiler: Any, function: Callable[[], Any]) -> Any:
    """Call *function* while *compiler* links in the shadow, if it has no other place for that."""
    if compiler.output_dir is not None or not call.shadow.is_in_root(os.getcwd()):
        return function()
    compiler.output_dir = _directory(call)
    try:
        return function()
    finally:
        compiler.output_dir = None


def _directory(call: Call) -> str:
    """Return the directory in the shadow that stands for the current one."""
    directory = call.shadow.relocate(os.getcwd())
    os.makedirs(directory, exist_ok=True)
    return directory


def _runs_from_current_directory() -> bool:
    """Tell whether a program is found in the current directory by its name."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.name == "nt" or not {"", os.curdir, os.getcwd()}.isdisjoint(entries)
