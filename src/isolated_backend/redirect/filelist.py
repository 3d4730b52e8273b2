"""The file list of an sdist, which is in SOURCES.txt and knows in-tree names only.

A project's override of ``egg_info`` or ``sdist`` reads it and writes SOURCES.txt from it
(versioneer does), so paths are mapped here and not when they are written.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..bytecode import is_the_projects
from ..publish import SUFFIX
from . import vanished
from .replacement import Replacements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..call import Call
    from .replacement import Method

replaces = Replacements()

#: Where this backend lies: in the tree, perhaps.
_BACKEND = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_BYTECODE = "__pycache__" + os.sep

_FILE_LIST = ("setuptools.command.egg_info", "FileList")


@replaces(*_FILE_LIST, "append")
def _append(call: Call, original: Method, self: Any, item: str) -> None:
    """Take ``SOURCES.txt`` in the shadow for the in-tree one."""
    original(self, call.shadow.in_tree(item))


@replaces(*_FILE_LIST, "extend")
def _extend(call: Call, original: Method, self: Any, paths: Iterable[str]) -> None:
    """Do the same for many: the grafted egg-info, sources generated in ``build_temp``."""
    original(self, [call.shadow.in_tree(path) for path in paths])


@replaces(*_FILE_LIST, "_repair")
def _repair(call: Call, original: Method, self: Any) -> None:
    """Map what was put into ``files`` directly, before the manifest is written."""
    self.files = [call.shadow.in_tree(path) for path in self.files]
    original(self)
    vanished.complete(call, self.files)


@replaces(*_FILE_LIST, "_safe_path")
def _safe_path(call: Call, original: Method, self: Any, path: str) -> Any:
    """Look for an in-tree name where its bytes are; let nothing of any build into the list."""
    if path.endswith(SUFFIX) or call.shadow.hides(path):
        return False
    # An in-tree backend's first bytecode is written before anything can prevent it.
    if _BYTECODE in path and os.path.abspath(path).startswith(os.path.join(_BACKEND, _BYTECODE)):
        return False
    actual = call.shadow.actual(path)
    if actual != path and os.path.isdir(actual):
        return False  # ``**`` in a directory that the root does not have finds the directory itself
    is_safe = original(self, actual)
    vanished.note(call, path, is_there=bool(is_safe))
    return is_safe


@replaces("setuptools.command.egg_info", "", "glob")
def _glob(call: Call, original: Method, pattern: str, recursive: bool = False) -> list[str]:
    """Find the relocated egg-info, too, where MANIFEST.in searches for a pattern."""
    seeded = _seeded(call, pattern if recursive else pattern.replace("**", "*"))
    # A directory by its path in the shadow: as such it is told from a file.
    places = (call.shadow.actual(name) if is_directory else name for name, is_directory in seeded)
    return [*original(pattern, recursive), *places]


@replaces("distutils.filelist", "_UniqueDirs", "__call__")
def _walk_into(call: Call, original: Method, self: Any, item: tuple[str, list[str], Any]) -> Any:
    """Do not look into any build's slot, where a directory may be gone at the next step."""
    directory, below, _ = item
    below[:] = [name for name in below if not call.shadow.hides(os.path.join(directory, name))]
    return original(self, item)


@replaces("distutils.filelist", "", "findall")
def _findall(call: Call, original: Method, directory: str = os.curdir) -> list[str]:
    """List the files of the relocated egg-info, too: for ``graft``, ``global-include``, and pbr."""
    pattern = "**" if directory == os.curdir else os.path.join(directory, "**")
    seeded = _seeded(call, pattern)
    return [*original(directory), *(name for name, is_directory in seeded if not is_directory)]


def _seeded(call: Call, pattern: str) -> Iterator[tuple[str, bool]]:
    """Yield what *pattern* would find of the relocated egg-info, and whether it is a directory."""
    from setuptools.command.egg_info import translate_pattern

    here = os.curdir + os.sep
    lead = here if pattern.startswith(here) else ""
    pattern = pattern.removeprefix(here)
    match = translate_pattern(pattern).match
    files = set(call.shadow.seeded_names(pattern))
    for name in sorted({*map(os.path.dirname, files), *files}):
        if match(name):
            yield lead + name, name not in files


@replaces("distutils.filelist", "FileList", "include_pattern")
@replaces("distutils.filelist", "FileList", "exclude_pattern")
def _pattern(call: Call, original: Method, self: Any, *args: Any, **kwargs: Any) -> Any:
    """Include and exclude by the in-tree name of a relocated directory, as pbr its egg-info.

    And as ``sdist.prune_file_list`` does ``build_base``: a stale ``build/`` still has to go.
    """
    if kwargs.get("prefix"):
        kwargs["prefix"] = call.shadow.in_tree(kwargs["prefix"])
    return original(self, *args, **kwargs)


@replaces(*_FILE_LIST, "prune")
def _prune(call: Call, original: Method, self: Any, directory: str) -> Any:
    """Do the same where setuptools prunes ``build/`` by the template language."""
    return original(self, call.shadow.in_tree(directory))


@replaces("setuptools.command.egg_info", "manifest_maker", "add_license_files")
def _backend_in_the_tree(call: Call, original: Method, self: Any) -> None:
    """Put a backend that is used in-tree (``backend-path``) into the sdist, as it needs itself.

    This comes after MANIFEST.in has been read, which may well prune the directory of tools.
    """
    original(self)
    if is_the_projects(_BACKEND, call.shadow.root):
        self.filelist.extend(
            os.path.relpath(os.path.join(directory, file), call.shadow.root)
            for directory, _, files in os.walk(_BACKEND)
            for file in files
            if file.endswith((".py", "py.typed"))
        )


@replaces("distutils.command.sdist", "sdist", "write_manifest")
def _write_manifest(call: Call, original: Method, self: Any) -> None:
    """Write distutils' own ``MANIFEST`` to the shadow (a ``cmdclass`` without setuptools)."""
    names = self.filelist.files
    vanished.complete(call, [name for name in names if os.path.exists(call.shadow.actual(name))])
    before = self.manifest
    self.manifest = call.shadow.relocate(before)
    try:
        original(self)
    finally:
        self.manifest = before
