"""Where setuptools works: the directories of its commands, and the ``*.egg-info``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .replacement import Replacements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..call import Call
    from .replacement import Method

replaces = Replacements()

#: The same for what the first setuptools with the hooks of PEP 660 lack.
replaces_if_there = Replacements()

#: The commands' options that name a directory to work in. Each has a default inside the root, or
#: takes it from the one before it; a project's own ``[build] build_base`` and the like are moved
#: in the same way, wherever they are, because two builds would meet there just as well.
_WORK_DIRECTORIES = {
    "build": (
        *("build_base", "build_purelib", "build_platlib"),
        *("build_lib", "build_temp", "build_scripts"),
    ),
    "build_py": ("build_lib",),
    "build_ext": ("build_lib", "build_temp"),
    "build_clib": ("build_clib", "build_temp"),
    "build_scripts": ("build_dir",),
    "bdist": ("bdist_base",),
    "bdist_wheel": ("bdist_dir",),
    "install": ("build_base", "build_lib"),
    "install_lib": ("build_dir",),
    "install_scripts": ("build_dir",),
}

#: Those that a wheel is made of.
_COLLECTED = ("build_lib", "bdist_dir")


@replaces("distutils.cmd", "Command", "ensure_finalized")
def _work_directories(call: Call, original: Method, self: Any) -> None:
    """Relocate directories before others are derived from them, and what an override sets after."""
    options = () if self.finalized else _WORK_DIRECTORIES.get(_name_of(self), ())
    _move_options(call, self, options)
    original(self)
    _move_options(call, self, options)


def _move_options(call: Call, command: Any, options: Iterable[str]) -> None:
    """Relocate the values of *options*, except what ``config_settings`` asked for."""
    for option in options:
        value = getattr(command, option, None)
        if not value:
            continue
        path = os.fspath(value)
        if _asked_for(call, command, _name_of(command), option):
            call.shadow.leave(path)
        path = call.shadow.relocate(path)
        setattr(command, option, path)
        if option in _COLLECTED and call.hook == "build_wheel":
            call.collect(path)


@replaces("setuptools.command.egg_info", "egg_info", "finalize_options")
def _egg_info(call: Call, original: Method, self: Any) -> None:
    """Put ``*.egg-info`` into the shadow, beginning with what the root has of it.

    An unpacked sdist's SOURCES.txt is setuptools' file list where there is no version control.
    ``dist_info`` sets ``egg_base`` to where the metadata are wanted: that stays.
    """
    original(self)
    base = os.path.abspath(os.path.join(call.shadow.root, self.egg_base))
    output = _asked_for(call, self, "dist_info", "output_dir")
    asked = {call.metadata_directory, os.path.abspath(output) if output else None}
    if base in asked or _asked_for(call, self, _name_of(self), "egg_base"):
        return
    egg_info = call.shadow.relocate(self.egg_info)
    if egg_info != self.egg_info:
        self.egg_info = call.shadow.seed(egg_info)
        call.collect(self.egg_info)
        self.egg_base = os.path.dirname(egg_info)
        os.makedirs(self.egg_base, exist_ok=True)


@replaces_if_there("setuptools.command.build_py", "build_py", "_filter_build_files")
def _filter_build_files(
    call: Call, original: Method, self: Any, files: Iterable[str], egg_info: str
) -> Any:
    """Tell the files of an absolute ``egg_base`` from package data (pypa/setuptools#3500)."""
    return original(self, files, call.shadow.in_tree(egg_info))


@replaces("tempfile", "", "mkdtemp")
def _mkdtemp(call: Call, original: Method, *args: Any, **kwargs: Any) -> Any:
    """Leave a temporary directory where it is, even if a command is told to work there."""
    made = original(*args, **kwargs)
    call.shadow.leave(os.fsdecode(made))
    return made


@replaces("distutils.dir_util", "", "remove_tree")
def _remove_tree(call: Call, original: Method, directory: Any, *args: Any, **kwargs: Any) -> Any:
    """Remove the staging directory where it is, for an override of ``make_distribution``."""
    if isinstance(directory, str):
        directory = call.shadow.actual(directory)
    return original(directory, *args, **kwargs)


def _asked_for(call: Call, command: Any, name: str, option: str) -> str:
    """Return what ``config_settings`` give as *option* of *name*, a command beside *command*."""
    source, value = command.distribution.get_option_dict(name).get(option, ("", None))
    return str(value) if source == "command line" and call.asks_for(str(value)) else ""


def _name_of(command: Any) -> str:
    """Return the name *command* was asked for by: that of a class from ``cmdclass`` may be any."""
    for name, known in command.distribution.command_obj.items():
        if known is command:
            return str(name)
    return str(command.get_command_name())
