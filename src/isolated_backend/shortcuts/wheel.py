"""The wheel: written without copies of its files, where nobody looks at them."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..redirect.replacement import SETUPTOOLS, Replacements, is_setuptools_own
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


@replaces(_BDIST_WHEEL, "bdist_wheel", "run")
def _bdist_wheel(call: Call, original: Method) -> Method:
    """Put copies off while a wheel is made that nobody else has a hand in."""

    def run(self: Any) -> None:
        if call.copies is not None or not _is_made_by_setuptools_alone(self):
            original(self)
            return
        call.copies = Copies()
        try:
            original(self)
        finally:
            call.copies = None

    return run


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
    archive = import_module(_BDIST_WHEEL).WheelFile
    return is_setuptools_own(archive, "write_files", "write", "writestr")


@replaces("setuptools.command.build_py", "build_py", "copy_file")
def _module_or_data(call: Call, original: Method) -> Method:
    """Put off copying a file of a package to ``build_lib``."""

    def copy_file(
        self: Any, infile: Any, outfile: Any, preserve_mode: Any = True, *args: Any, **kwargs: Any
    ) -> Any:
        copies = call.copies
        if copies is None or self.compile or self.optimize:
            return original(self, infile, outfile, preserve_mode, *args, **kwargs)
        source, target = call.shadow.actual(os.fspath(infile)), os.fspath(outfile)
        if os.path.isfile(source) and copies.put_off(
            source, target, preserve_mode=bool(preserve_mode)
        ):
            return target, True
        import_module("distutils.cmd").Command.mkpath(self, os.path.dirname(target))
        copied = original(self, infile, outfile, preserve_mode, *args, **kwargs)
        if not preserve_mode:
            copies.learn(target)
        return copied

    return copy_file


@replaces("setuptools.command.build_py", "build_py", "mkpath")
def _directory_of_a_package(call: Call, original: Method) -> Method:
    """Make a directory in ``build_lib`` when a file is copied there, which asks for it each time.

    ``build_lib`` itself shows ``install_lib`` that there is something to install.
    """

    def mkpath(self: Any, name: Any, *args: Any, **kwargs: Any) -> None:
        if call.copies is None or self.compile or self.optimize:
            original(self, name, *args, **kwargs)
        elif not os.path.isdir(self.build_lib):
            original(self, self.build_lib, *args, **kwargs)

    return mkpath


@replaces("setuptools.command.build_py", "", "make_writable")
def _make_writable(call: Call, original: Method) -> Method:
    """Leave what has not been copied: it is writable, or it would have been."""

    def make_writable(target: Any) -> None:
        if call.copies is None or target not in call.copies:
            original(target)

    return make_writable


@replaces("setuptools.command.install_lib", "install_lib", "copy_tree")
def _install_tree(call: Call, original: Method) -> Method:
    """Let what has not been copied to ``build_lib`` be not copied to ``bdist_dir`` either."""

    def copy_tree(self: Any, infile: Any, outfile: Any, *args: Any, **kwargs: Any) -> Any:
        copies = call.copies
        if copies is not None and (self.compile or self.optimize):
            copies.make_all()  # [install] in setup.cfg may ask for compiled files
        copied = original(self, infile, outfile, *args, **kwargs)
        return copied if copies is None else copied + copies.move_tree(infile, outfile)

    return copy_tree


@replaces(_BDIST_WHEEL, "WheelFile", "write_files")
def _write_files(call: Call, original: Method) -> Method:
    """Write the wheel from ``bdist_dir`` and, in the same order, from the tree."""

    def write_files(self: Any, base_dir: str) -> None:
        if call.copies is None:
            original(self, base_dir)
            return
        last = []
        for name, source in call.copies.files(base_dir):
            member = name.replace(os.sep, "/")
            if os.path.dirname(name).endswith(".dist-info"):
                last.append((name, source, member))
            elif os.path.isfile(source) and member != self.record_path:
                self.write(source, member)
        for _, source, member in sorted(last):
            if os.path.isfile(source) and member != self.record_path:
                self.write(source, member)

    return write_files


@replaces(_BDIST_WHEEL, "WheelFile", "writestr")
def _writestr(call: Call, original: Method) -> Method:
    """Record permissions in the normal form at once, so that the wheel is not written twice.

    They stand only in the archive's directory, which comes last. Times are the epoch already.
    """

    def writestr(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if call.normal_form is not None:
            call.normal_form.permit(self.filelist[-1])

    return writestr
