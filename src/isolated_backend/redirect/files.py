"""Single files: copied, and compiled."""

from __future__ import annotations

import glob
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..bytecode import written_by_children
from ..publish import SUFFIX
from .replacement import Replacements

if TYPE_CHECKING:
    from ..call import Call
    from .replacement import Method

replaces = Replacements()


@replaces("distutils.cmd", "Command", "copy_file")
def _copy_file(
    call: Call, original: Method, self: Any, infile: Any, outfile: Any, *args: Any, **kwargs: Any
) -> Any:
    """Read an in-tree name where its bytes are, and let a copy into the root appear whole.

    What an editable install puts there may be in use by an interpreter at this moment.
    """
    if isinstance(infile, str):
        infile = call.shadow.actual(infile)
    target = os.fspath(outfile)
    is_in_root = call.shadow.is_in_root(target)
    if is_in_root and os.path.isdir(target):
        target = os.path.join(target, os.path.basename(infile))
    if not is_in_root or (not self.force and not _is_newer(infile, target)):
        return original(self, infile, outfile, *args, **kwargs)
    if call.settings.in_tree_writes != "allow":  # else another build may be copying
        for abandoned in glob.iglob(f"{glob.escape(target)}.*{SUFFIX}"):
            with suppress(PermissionError):  # see below
                os.unlink(abandoned)  # by a build that was killed
    passing = f"{target}.{os.urandom(6).hex()}{SUFFIX}"
    try:
        _, copied = original(self, infile, passing, *args, **kwargs)
        try:
            os.replace(passing, target)
        except PermissionError:  # Windows replaces and removes no DLL in use, but renames it
            os.rename(target, f"{target}.{os.urandom(6).hex()}{SUFFIX}")
            os.replace(passing, target)
    finally:
        with suppress(FileNotFoundError):  # renaming one hard link to another does nothing
            os.unlink(passing)
    return target, copied


def _is_newer(source: str, target: str) -> bool:
    """Tell whether distutils would copy *source* to *target* (it skips what is up to date)."""
    return not os.path.exists(target) or os.stat(source).st_mtime > os.stat(target).st_mtime


@replaces("distutils.util", "", "byte_compile")
def _byte_compile(call: Call, original: Method, *args: Any, **kwargs: Any) -> None:
    """Let the project have the compiled files that it asks for: a child process makes them."""
    with written_by_children():
        original(*args, **kwargs)
