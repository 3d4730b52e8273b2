"""Files that vanish while an artifact is made: an error, and not an artifact without them.

setuptools leaves out what is no regular file, silently while it makes the list of an sdist and with
a warning when it stages. That is right for what never was one. What was there when it was listed
has vanished with a change of the tree, from before which the rest of the artifact may be.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

from ..errors import VanishedFileError
from .replacement import Replacements, is_setuptools_own

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..call import Call
    from .replacement import Method

replaces = Replacements()

_FILE_LIST = ("setuptools.command.egg_info", "FileList")


@replaces("distutils.command.build_py", "build_py", "find_package_modules")
def _find_package_modules(
    call: Call, original: Method, self: Any, package: str, package_dir: str
) -> Any:
    """Miss a package that vanishes after it has been looked for, before its modules are."""
    init = os.path.join(package_dir, "__init__.py")
    is_regular = os.path.isfile(init)
    found = original(self, package, package_dir)
    if is_regular and all(module != "__init__" for _, module, _ in found):
        raise VanishedFileError.of(init)
    _look_for(package_dir)
    return found


@replaces("setuptools.command.build_py", "build_py", "find_data_files")
def _find_data_files(call: Call, original: Method, self: Any, package: str, src_dir: str) -> Any:
    """Miss one that vanishes after its modules have been copied, before its data are found."""
    found = original(self, package, src_dir)
    _look_for(src_dir)
    return found


@replaces("distutils.command.build_py", "build_py", "get_source_files")
def _get_source_files(call: Call, original: Method, self: Any) -> Any:
    """Note the modules that have been found; they are put on the list next."""
    found = original(self)
    _note(call, found)
    return found


@replaces(*_FILE_LIST, "append")
def _append(call: Call, original: Method, self: Any, item: str) -> None:
    """Note what is there and put on the list."""
    before = len(self.files)
    original(self, item)
    _note(call, self.files[before:])


@replaces(*_FILE_LIST, "extend")
def _extend(call: Call, original: Method, self: Any, paths: Iterable[str]) -> None:
    """Do the same for many, and miss what has been noted before and is not there now."""
    names = call.shadow.all_in_tree(paths)
    before = len(self.files)
    original(self, names)
    _miss(call, names, self.files[before:])
    _note(call, self.files[before:])


@replaces(*_FILE_LIST, "_repair")
def _repair(call: Call, original: Method, self: Any) -> None:
    """Miss what is dropped from the complete list, for it exists no more."""
    names = call.shadow.all_in_tree(self.files)
    original(self)
    _miss(call, names, self.files)
    _complete(call, self.files)


@replaces("distutils.command.sdist", "sdist", "write_manifest")
def _write_manifest(call: Call, original: Method, self: Any) -> None:
    """Do so for distutils' own list (a ``cmdclass`` without setuptools), which drops nothing."""
    names = self.filelist.files
    _complete(call, [name for name in names if os.path.exists(call.shadow.actual(name))])
    original(self)


def check_staged(call: Call, sdist: Any, base_dir: str, names: Iterable[str]) -> None:
    """Look whether all regular files of the complete list have been staged.

    Args:
        call: the call of the hook.
        sdist: the command. A project's own ``copy_file`` may leave out what it likes.
        base_dir: the staging directory.
        names: of the files to stage.

    Raises:
        VanishedFileError: one has vanished since the list was complete.
    """
    copies_all = is_setuptools_own(sdist, "copy_file")
    for name in names:
        staged = call.shadow.confined(os.path.join(base_dir, name))
        if not call.listed.get(name) or os.path.isabs(name) or os.path.isfile(staged):
            continue
        if copies_all or not os.path.isfile(call.shadow.actual(name)):
            raise VanishedFileError.of(name)


def _look_for(package_dir: str) -> None:
    """Look whether a package is still there, without which its files are just not found."""
    if not os.path.isdir(package_dir or os.curdir):
        raise VanishedFileError.of(package_dir)


def _note(call: Call, names: Iterable[str]) -> None:
    """Note that *names* exist."""
    for name in names:
        call.listed.setdefault(name, 0)


def _miss(call: Call, names: list[str], there: list[str]) -> None:
    """Look whether those of *names* that are not *there* never were.

    Raises:
        VanishedFileError: one was.
    """
    if len(names) > len(there):
        known = set(there)
        for name in names:
            # About an egg-info setuptools decides by itself, and deletes files there.
            if name not in known and name in call.listed and ".egg-info" not in name:
                raise VanishedFileError.of(name)


def _complete(call: Call, names: Iterable[str]) -> None:
    """Note which of *names*, all there a moment ago, an sdist must not lack: regular files.

    Raises:
        VanishedFileError: one is not there any more.
    """
    if call.hook != "build_sdist":
        call.listed.clear()  # the list has served its purpose
        return
    modes: dict[int, int] = {}  # there are few different ones
    for name in names:
        try:
            mode = os.stat(call.shadow.actual(name)).st_mode
        except OSError as error:
            raise VanishedFileError.of(name) from error
        call.listed[name] = modes.setdefault(mode, mode) if stat.S_ISREG(mode) else 0
