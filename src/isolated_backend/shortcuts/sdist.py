"""An sdist's archive, written without a copy of every file where nobody looks at the copies.

Assumes of setuptools that ``make_distribution`` stages the files of ``filelist``, and packs what it
has staged in the order of the names; and that what it does to a file does not depend on which one
it is. :func:`.archive.complete` finds out by a sample if that is no more than a copy.
"""

from __future__ import annotations

import os
import stat
from importlib import import_module
from tarfile import TarFile
from typing import TYPE_CHECKING, Any

from ..redirect.replacement import Replacements, is_own, is_setuptools_own
from ..redirect.sdist import SomeFiles
from . import archive, proof

if TYPE_CHECKING:
    from ..call import Call
    from ..redirect.replacement import Method

replaces = Replacements("build_sdist")

#: The bits of a mode that a copy may not have, whoever makes it.
_SPECIAL_BITS = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX


@replaces("distutils.command.sdist", "sdist", "make_distribution")
def _make_distribution(call: Call, original: Method, self: Any) -> None:
    """Stage only what setuptools makes or edits, where nobody looks into the staging directory."""
    files = self.filelist.files
    streamed = _streamed(call, files) if _is_made_by_setuptools_alone(self) else {}
    if not streamed:
        original(self)
        return
    proof.owe(call, streamed)
    sample = archive.one_to_stage(streamed)
    del streamed[sample]
    self.filelist.files = SomeFiles(name for name in files if name not in streamed)
    try:
        original(self)
    finally:
        self.filelist.files = files
    (made,) = self.archive_files
    archive.complete(made, sample, streamed)
    proof.settle(call, streamed)


def _streamed(call: Call, names: list[str]) -> dict[str, int]:
    """Return those of the listed files *names* that need not be staged, and their modes.

    Files of the tree whose copies have the same mode. None at all if a name leads out of the
    staging directory: then it is for setuptools to say what becomes of it.
    """
    found = {}
    for name in names:
        if os.path.isabs(name) or name.startswith(os.pardir) or name != os.path.normpath(name):
            return {}
        mode = call.listed.get(name)
        if mode and not mode & _SPECIAL_BITS and call.shadow.actual(name) == name:
            found[name] = mode
    found.pop("setup.cfg", None)  # that is edited
    return found


def _is_made_by_setuptools_alone(sdist: Any) -> bool:
    """Tell whether nobody else looks: no override, no plugin, no user who asked to keep it all."""
    archive_util = import_module("distutils.archive_util")
    return (
        list(sdist.formats) == ["gztar"]
        and not (sdist.keep_temp or sdist.owner or sdist.group)
        and is_setuptools_own(sdist, "make_distribution", "make_release_tree", "make_archive")
        and is_setuptools_own(sdist, "copy_file", "copy_tree", "mkpath", "execute")
        and is_setuptools_own(archive_util, "make_archive", "make_tarball")
        and is_setuptools_own(import_module("distutils.file_util"), "copy_file")
        and is_setuptools_own(sdist.distribution.metadata, "write_pkg_info")
        # A setup.py may make its archive another by a change of how Python writes one.
        and is_own(("tarfile",), TarFile, "open", "add", "addfile", "gettarinfo", "close")
    )
