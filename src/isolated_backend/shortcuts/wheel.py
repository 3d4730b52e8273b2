"""The wheel: written without copies of its files, where nobody looks at them.

Assumes of setuptools that ``build_py`` copies each module and data file to ``build_lib`` with its
``copy_file``, and calls ``make_writable`` for data; that ``install_lib`` copies this directory to
``bdist_dir``; and that ``bdist_wheel`` has ``WheelFile.write_files`` make the archive of that.
:meth:`.copies.Copies.write` finds out where it does otherwise.
"""

from __future__ import annotations

import os
from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..errors import ShortcutError, causes, is_full_disk
from ..redirect.replacement import SETUPTOOLS, Replacements, is_own
from . import proof
from .copies import Copies

if TYPE_CHECKING:
    from ..call import Call
    from ..redirect.replacement import Method

replaces = Replacements("build_wheel")

_BDIST_WHEEL = "setuptools.command.bdist_wheel"

_COMMANDS = (
    *("bdist_wheel", "build", "build_py", "install", "install_lib"),
    *("install_egg_info", "install_scripts", "install_data", "install_headers"),
)
_SUB_COMMANDS = {*_COMMANDS, "build_clib", "build_ext", "build_scripts"}

#: Of the wheel that a call is making in this way; ``None`` as long as nothing is to be copied.
_copies: WeakKeyDictionary[Call, Copies | None] = WeakKeyDictionary()


@replaces(_BDIST_WHEEL, "bdist_wheel", "run")
def _bdist_wheel(call: Call, original: Method, self: Any) -> None:
    """Put copies off while a wheel is made that nobody else has a hand in."""
    if call in _copies or not _is_made_by_setuptools_alone(self):
        original(self)
        return
    _copies[call] = None
    try:
        original(self)
    except Exception as error:
        # Perhaps a setuptools with a step that is not known here, and looks for a copy.
        if call.shadow.slot in str(error) and not any(map(is_full_disk, causes(error))):
            raise ShortcutError(f"setuptools misses a file ({error}).") from error
        raise
    finally:
        del _copies[call]


def _is_made_by_setuptools_alone(bdist_wheel: Any) -> bool:
    """Tell whether no code but setuptools' own will look at ``build_lib`` and ``bdist_dir``."""
    distribution = bdist_wheel.distribution
    compiled = distribution.has_ext_modules() or distribution.has_c_libraries()
    if compiled or distribution.namespace_packages or bdist_wheel.keep_temp:
        return False
    for name in _COMMANDS:
        command = distribution.get_command_class(name)
        if command.__module__.partition(".")[0] not in SETUPTOOLS or not _is_own(command):
            return False
        if not {sub_command for sub_command, _ in command.sub_commands} <= _SUB_COMMANDS:
            return False
        if {"compile", "optimize"} & distribution.get_option_dict(name).keys():
            return False
    return _is_own(import_module(_BDIST_WHEEL).WheelFile)


def _is_own(owner: type) -> bool:
    """Tell whether no project, and no plugin, has a method in *owner*."""
    names = (name for name in dir(owner) if isinstance(getattr(owner, name, None), FunctionType))
    return is_own((*SETUPTOOLS, "zipfile", "functools", "contextlib", "builtins"), owner, *names)


@replaces("setuptools.command.build_py", "build_py", "copy_file")
def _module_or_data(
    call: Call,
    original: Method,
    self: Any,
    infile: Any,
    outfile: Any,
    preserve_mode: Any = True,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """Put off copying a file of a package to ``build_lib``."""
    if call not in _copies or args or kwargs:
        return original(self, infile, outfile, preserve_mode, *args, **kwargs)
    copies = _copies[call]
    if copies is None:
        copies = _copies[call] = Copies(self.build_lib)
        proof.owe(call, copies)
    source, target = call.shadow.actual(os.fspath(infile)), os.fspath(outfile)
    kept = bool(preserve_mode)
    if before := copies.take_back(target):
        original(self, before[0], target, before[1])
    if os.path.isfile(source) and copies.put_off(source, target, preserve_mode=kept):
        return target, True
    made, is_copied = original(self, infile, outfile, preserve_mode)
    if is_copied:
        copies.learn(source, target, preserve_mode=kept)
    return made, is_copied


@replaces("setuptools.command.build_py", "", "make_writable")
def _make_writable(call: Call, original: Method, target: Any) -> None:
    """Leave what has not been copied: it is writable, or it would have been."""
    if target not in (_copies.get(call) or ()):
        original(target)


@replaces(_BDIST_WHEEL, "WheelFile", "write_files")
def _write_files(call: Call, original: Method, self: Any, base_dir: str) -> None:
    """Write the wheel from ``bdist_dir`` and, in the same order, from the tree."""
    copies = _copies.get(call)
    if copies is None:
        original(self, base_dir)
    else:
        copies.write(self, base_dir)
        proof.settle(call, copies)
