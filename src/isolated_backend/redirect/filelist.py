"""The file list of an sdist, which is in SOURCES.txt and knows in-tree names only.

A project's override of ``egg_info`` or ``sdist`` reads it and writes SOURCES.txt from it
(versioneer does), so paths are mapped here and not when they are written.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..bytecode import is_the_projects
from .replacement import Replacements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..call import Call
    from .replacement import Method

replaces = Replacements()

#: The same for what Python's own distutils lacks (``SETUPTOOLS_USE_DISTUTILS=stdlib``).
replaces_if_there = Replacements()

#: Where this backend lies: in the tree, perhaps.
_BACKEND = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


_FILE_LIST = ("setuptools.command.egg_info", "FileList")


@replaces(*_FILE_LIST, "append")
def _append(call: Call, original: Method) -> Method:
    """Take ``SOURCES.txt`` in the shadow for the in-tree one."""

    def append(self: Any, item: str) -> None:
        original(self, call.shadow.in_tree(item))

    return append


@replaces(*_FILE_LIST, "extend")
def _extend(call: Call, original: Method) -> Method:
    """Do the same for many: the grafted egg-info, sources generated in ``build_temp``."""

    def extend(self: Any, paths: Iterable[str]) -> None:
        original(self, call.shadow.all_in_tree(paths))

    return extend


@replaces(*_FILE_LIST, "_repair")
def _repair(call: Call, original: Method) -> Method:
    """Map what was put into ``files`` directly, before the manifest is written."""

    def repair(self: Any) -> None:
        self.files = call.shadow.all_in_tree(self.files)
        original(self)

    return repair


@replaces(*_FILE_LIST, "_safe_path")
def _safe_path(call: Call, original: Method) -> Method:
    """Look for an in-tree name where its bytes are, and let no shadow into the list.

    Nor the bytecode of a backend that is used in-tree: that of the modules which are imported
    before we can prevent it is there for a moment in every hook of every frontend.
    """
    in_tree = is_the_projects(_BACKEND, call.shadow.root)
    bytecode = os.path.join(_BACKEND, "__pycache__", "") if in_tree else None
    inside_root = call.shadow.inside_root

    def safe_path(self: Any, path: str) -> Any:
        if bytecode and os.path.abspath(path).startswith(bytecode):
            return False
        if inside_root and call.shadow.hides(path):
            return False
        return original(self, call.shadow.actual(path))

    return safe_path


def _seeded_matches(call: Call, pattern: str) -> list[str]:
    """Return the files of the relocated egg-info that *pattern* would find in the source tree."""
    from setuptools.command.egg_info import translate_pattern

    here = os.curdir + os.sep
    lead = here if pattern.startswith(here) else ""
    pattern = pattern.removeprefix(here)
    match = translate_pattern(pattern).match
    return [lead + name for name in call.shadow.seeded_names(pattern) if match(name)]


def _also_in_shadow(name: str, full_pattern: Callable[..., str]) -> None:
    """Register a search of the template language that looks into the shadow, too.

    ``recursive-include src *`` after ``global-exclude *.txt`` finds the egg-info again.
    """

    @replaces(*_FILE_LIST, name)
    def factory(call: Call, original: Method) -> Method:
        def directory(path: str) -> bool:
            # ``**`` in a directory that the root does not have finds the directory itself.
            actual = call.shadow.actual(path)
            return actual != path and os.path.isdir(actual)

        def search(self: Any, *args: str) -> bool:
            before = len(self.files)
            found = original(self, *args)
            self.files[before:] = [path for path in self.files[before:] if not directory(path)]
            made = _seeded_matches(call, full_pattern(*args))
            self.extend(made)
            return bool(found or made)

        return search


def _of_one_level(pattern: str) -> str:
    """Return *pattern* for ``include``, whose search is not recursive: ``**`` is ``*`` to it."""
    return os.sep.join("*" if part == "**" else part for part in pattern.split(os.sep))


_also_in_shadow("include", _of_one_level)


_also_in_shadow("recursive_include", lambda base, pattern: os.path.join(base, "**", pattern))


_also_in_shadow("graft", lambda base: "**" if base == os.curdir else os.path.join(base, "**"))


@replaces(*_FILE_LIST, "prune")
def _prune(call: Call, original: Method) -> Method:
    """Prune the in-tree ``build/``, too, where an older setuptools asks for it so."""

    def prune(self: Any, dir: str) -> Any:  # noqa: A002 - setuptools' name
        return original(self, call.shadow.in_tree(dir))

    return prune


@replaces("distutils.filelist", "FileList", "findall")
def _findall(call: Call, original: Method) -> Method:
    """List the relocated egg-info among all the files of the root.

    ``global-include`` searches this list, and so does pbr for the files of its egg-info.
    """

    def findall(self: Any, dir: Any = os.curdir) -> None:  # noqa: A002 - distutils' name
        original(self, dir)
        if dir == os.curdir:
            listed = set(self.allfiles)
            seeded = call.shadow.seeded_names()
            self.allfiles += [name for name in seeded if name not in listed]

    return findall


def _by_in_tree_prefix(call: Call, original: Method) -> Method:
    """Return the search *original* with a relocated directory's in-tree name for its prefix."""

    def search(
        self: Any,
        pattern: Any,
        anchor: bool = True,
        prefix: str | None = None,
        is_regex: bool = False,
    ) -> Any:
        if prefix is not None:
            prefix = call.shadow.in_tree(prefix)
        return original(self, pattern, anchor, prefix, is_regex)

    return search


@replaces("distutils.filelist", "FileList", "include_pattern")
def _include_pattern(call: Call, original: Method) -> Method:
    """Include what lies under the in-tree name of the egg-info, as pbr does."""
    return _by_in_tree_prefix(call, original)


@replaces("distutils.filelist", "FileList", "exclude_pattern")
def _exclude_pattern(call: Call, original: Method) -> Method:
    """Prune what lies under the in-tree name of a relocated directory.

    ``sdist.prune_file_list`` drops ``build/`` by the value of ``build_base``. With that moved, a
    stale ``build/`` in the tree still has to go.
    """
    return _by_in_tree_prefix(call, original)


@replaces_if_there("distutils.filelist", "_UniqueDirs", "__call__")
def _walk(call: Call, original: Method) -> Method:
    """Walk into no shadow that lies in the root: others come and go there at any moment."""

    def unique(self: Any, walk_item: tuple[str, list[str], list[str]]) -> Any:
        base, directories, _ = walk_item
        if call.shadow.hides(base):
            del directories[:]
            return False
        return original(self, walk_item)

    return unique


@replaces("setuptools.command.egg_info", "manifest_maker", "add_license_files")
def _backend_in_the_tree(call: Call, original: Method) -> Method:
    """Put a backend that is used in-tree (``backend-path``) into the sdist, as it needs itself.

    This comes after MANIFEST.in has been read, which may well prune the directory of tools that
    the backend is in.
    """

    def add_license_files(self: Any) -> None:
        original(self)
        if is_the_projects(_BACKEND, call.shadow.root):
            self.filelist.extend(
                os.path.relpath(os.path.join(directory, file), call.shadow.root)
                for directory, _, files in os.walk(_BACKEND)
                for file in files
                if file.endswith((".py", "py.typed"))
            )

    return add_license_files


@replaces("distutils.command.sdist", "sdist", "write_manifest")
def _manifest(call: Call, original: Method) -> Method:
    """Write distutils' own ``MANIFEST`` to the shadow (a ``cmdclass`` without setuptools)."""

    def write_manifest(self: Any) -> None:
        before = self.manifest
        self.manifest = call.shadow.relocate(before)
        try:
            original(self)
        finally:
            self.manifest = before

    return write_manifest
