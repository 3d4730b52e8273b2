"""The wheel: written without copies of its files, where nobody looks at them.

Assumes of setuptools that ``build_py`` copies each module and data file to ``build_lib`` with its
``copy_file``, and calls ``make_writable`` for data; that ``install_lib`` copies this tree to
``bdist_dir`` with its ``copy_tree``; and that ``bdist_wheel`` has ``WheelFile.write_files`` make
the archive of that. :meth:`.copies.Copies.prove` finds out where it does otherwise.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..errors import ShortcutError, causes, is_full_disk
from ..redirect.replacement import SETUPTOOLS, Replacements, is_setuptools_own
from . import proof
from .copies import Copies

if TYPE_CHECKING:
    from ..call import Call
    from ..redirect.replacement import Method

replaces = Replacements("build_wheel")

_BDIST_WHEEL = "setuptools.command.bdist_wheel"

_STEPS_OF_A_WHEEL = {
    "bdist_wheel": ("run", "run_command", "copy_tree", "copy_file", "egg2dist", "write_wheelfile"),
    "build": ("run", "run_command"),
    "build_py": (
        *("run", "build_modules", "build_packages", "build_module", "build_package_data"),
        *("copy_file", "mkpath", "byte_compile", "get_outputs"),
    ),
    "install": ("run", "run_command"),
    "install_lib": ("run", "build", "install", "copy_tree", "byte_compile", "get_exclusions"),
    "install_egg_info": ("run",),
    "install_scripts": ("run",),
    "install_data": ("run",),
    "install_headers": ("run",),
}

_SUB_COMMANDS = {
    *("build_py", "build_clib", "build_ext", "build_scripts"),
    *("install_lib", "install_headers", "install_scripts", "install_data", "install_egg_info"),
}

#: Of the wheel that a call is making in this way.
_copies: WeakKeyDictionary[Call, Copies] = WeakKeyDictionary()


@replaces(_BDIST_WHEEL, "bdist_wheel", "run")
def _bdist_wheel(call: Call, original: Method, self: Any) -> None:
    """Put copies off while a wheel is made that nobody else has a hand in."""
    if call in _copies or not _is_made_by_setuptools_alone(self):
        original(self)
        return
    _copies[call] = copies = Copies()
    proof.owe(call, copies)
    try:
        original(self)
        if not copies:
            proof.settle(call, copies)
    except Exception as error:
        # Perhaps a setuptools with a step that is not known here, and looks for a copy.
        if call.shadow.place in str(error) and not any(map(is_full_disk, causes(error))):
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
    for name, methods in _STEPS_OF_A_WHEEL.items():
        command = distribution.get_command_class(name)
        if command.__module__.partition(".")[0] not in SETUPTOOLS:
            return False
        if not is_setuptools_own(command, *methods):
            return False
        if not {sub_command for sub_command, _ in command.sub_commands} <= _SUB_COMMANDS:
            return False
        if {"compile", "optimize"} & distribution.get_option_dict(name).keys():
            return False
    archive = import_module(_BDIST_WHEEL).WheelFile
    return is_setuptools_own(archive, "write_files", "write", "writestr")


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
    copies = _copies.get(call)
    if copies is None or args or kwargs:
        return original(self, infile, outfile, preserve_mode, *args, **kwargs)
    source, target = call.shadow.actual(os.fspath(infile)), os.fspath(outfile)
    kept = bool(preserve_mode)
    if os.path.isfile(source) and copies.put_off(source, target, preserve_mode=kept):
        return target, True
    copied = original(self, infile, outfile, preserve_mode)
    copies.learn(source, target, preserve_mode=kept)
    return copied


@replaces("setuptools.command.build_py", "build_py", "mkpath")
def _directory_of_a_package(
    call: Call, original: Method, self: Any, name: Any, *args: Any, **kwargs: Any
) -> None:
    """Make a directory once, and not for each of its files again: that takes longer than a copy."""
    copies = _copies.get(call)
    if copies is None or name not in copies.directories:
        original(self, name, *args, **kwargs)
    if copies is not None:
        copies.directories.add(name)


@replaces("setuptools.command.build_py", "", "make_writable")
def _make_writable(call: Call, original: Method, target: Any) -> None:
    """Leave what has not been copied: it is writable, or it would have been."""
    if target not in _copies.get(call, ()):
        original(target)


@replaces("setuptools.command.install_lib", "install_lib", "copy_tree")
def _install_tree(
    call: Call, original: Method, self: Any, infile: Any, outfile: Any, *args: Any, **kwargs: Any
) -> Any:
    """Let what has not been copied to ``build_lib`` be not copied to ``bdist_dir`` either."""
    copied = original(self, infile, outfile, *args, **kwargs)
    copies = _copies.get(call)
    return copied if copies is None else copied + copies.move_tree(infile, outfile)


@replaces(_BDIST_WHEEL, "WheelFile", "write_files")
def _write_files(call: Call, original: Method, self: Any, base_dir: str) -> None:
    """Write the wheel from ``bdist_dir`` and, in the same order, from the tree."""
    copies = _copies.get(call)
    if copies is None:
        original(self, base_dir)
        return
    last = []
    for name, source in copies.files(base_dir):
        member = name.replace(os.sep, "/")
        if os.path.dirname(name).endswith(".dist-info"):
            last.append((name, source, member))
        elif os.path.isfile(source) and member != self.record_path:
            self.write(source, member)
    for _, source, member in sorted(last):
        if os.path.isfile(source) and member != self.record_path:
            self.write(source, member)
    copies.prove(base_dir, self.namelist())
    proof.settle(call, copies)


@replaces(_BDIST_WHEEL, "WheelFile", "writestr")
def _writestr(call: Call, original: Method, self: Any, *args: Any, **kwargs: Any) -> None:
    """Record permissions in the normal form at once, so that the wheel is not written twice.

    They stand only in the archive's directory, which comes last. Times are the epoch already.
    """
    original(self, *args, **kwargs)
    if call.normal_form is not None:
        call.normal_form.permit(self.filelist[-1])
