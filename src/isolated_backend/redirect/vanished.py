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
from ..publish import SUFFIX
from .replacement import Replacements, is_setuptools_own

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..call import Call
    from .replacement import Method

replaces = Replacements()


@replaces("distutils.command.build_py", "build_py", "find_package_modules")
@replaces("setuptools.command.build_py", "build_py", "find_data_files")
def _find(call: Call, original: Method, self: Any, package: str, directory: str) -> Any:
    """Miss a package that vanishes before its files are found: then there just are none."""
    init = os.path.join(directory, "__init__.py")
    is_regular = os.path.isfile(init)
    found = original(self, package, directory)
    if is_regular and not os.path.isfile(init):
        raise VanishedFileError.of(init)
    if not os.path.isdir(directory or os.curdir):
        raise VanishedFileError.of(directory)
    return [each for each in found if not (isinstance(each, str) and each.endswith(SUFFIX))]


@replaces("distutils.command.build_py", "build_py", "get_source_files")
def _get_source_files(call: Call, original: Method, self: Any) -> Any:
    """Note the modules that have been found; they are put on the list next."""
    found = original(self)
    for name in filter(os.path.exists, found):  # a link that leads nowhere has been found, too
        note(call, name, is_there=True)
    return found


def note(call: Call, name: str, *, is_there: bool) -> None:
    """Note that *name* is there, or miss it if it was there before."""
    if is_there:
        call.listed.setdefault(name, 0)
    # About an egg-info setuptools decides by itself, and deletes files there.
    elif name in call.listed and ".egg-info" not in name:
        raise VanishedFileError.of(name)


def complete(call: Call, names: Iterable[str]) -> None:
    """Note which of *names*, all there a moment ago, an sdist must not lack: regular files."""
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


def check_staged(call: Call, sdist: Any, base_dir: str, names: Iterable[str]) -> None:
    """Look whether all regular files of the complete list *names* are staged in *base_dir*."""
    copies_all = is_setuptools_own(sdist, "copy_file")  # a project's may leave out what it likes
    for name in names:
        if not call.listed.get(name) or os.path.isfile(os.path.join(base_dir, name)):
            continue
        if copies_all or not os.path.isfile(call.shadow.actual(name)):
            raise VanishedFileError.of(name)
