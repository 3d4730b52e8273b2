"""An sdist's archive, written without a copy of every file where nobody looks at the copies."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..redirect.replacement import Replacements, is_own, is_setuptools_own
from ..redirect.sdist import SomeFiles, skip
from . import archive

if TYPE_CHECKING:
    from ..call import Call
    from ..redirect.replacement import Method

replaces = Replacements("build_sdist")


@replaces("distutils.command.sdist", "sdist", "make_distribution")
def _make_distribution(call: Call, original: Method) -> Method:
    """Stage only what setuptools makes or edits, where nobody looks into the staging directory."""

    def make_distribution(self: Any) -> None:
        streamed = archive.without_staging(_unseen(call, self)) - {"setup.cfg"}  # that is edited
        if not streamed:
            original(self)
            return
        name = self.distribution.get_fullname()
        base_dir = call.shadow.relocate(name)
        call.collect(base_dir)
        staged = [file for file in self.filelist.files if file not in streamed]
        self.make_release_tree(base_dir, SomeFiles(staged))
        made = os.path.join(self.dist_dir, name) + ".tar.gz"
        self.mkpath(self.dist_dir)
        import_module("distutils.log").info("Creating tar archive")
        sample = archive.make_sample(call.shadow.place)
        copied = os.path.join(base_dir, archive.SAMPLE)
        import_module("distutils.file_util").copy_file(sample, copied, verbose=0)
        archive.write(made, base_dir, streamed, skip, call.normal_form)
        self.archive_files = [made]
        self.distribution.dist_files.append(("sdist", "", made))
        import_module("distutils.dir_util").remove_tree(base_dir)

    return make_distribution


def _unseen(call: Call, sdist: Any) -> list[str]:
    """Return the files of the tree that nobody would miss in the staging directory.

    None where there is someone: an override, a plugin, or the user who asked to keep it.
    """
    archive_util = import_module("distutils.archive_util")
    own = (
        is_setuptools_own(sdist, "make_distribution", "make_release_tree", "make_archive")
        and is_setuptools_own(sdist, "copy_file", "copy_tree", "mkpath", "execute")
        and is_setuptools_own(archive_util, "make_archive", "make_tarball")
        and is_setuptools_own(import_module("distutils.file_util"), "copy_file")
        and is_setuptools_own(sdist.distribution.metadata, "write_pkg_info")
        and _is_tarfile_as_ever()
    )
    if not own or list(sdist.formats) != ["gztar"] or sdist.keep_temp or sdist.owner or sdist.group:
        return []
    return [name for name in sdist.filelist.files if call.shadow.actual(name) == name]


def _is_tarfile_as_ever() -> bool:
    """Tell whether nobody has changed how Python itself writes an archive.

    A setup.py may do so to make its sdist reproducible, or to leave something out.
    """
    own = "tarfile"
    tarfile = import_module(own)
    archive, member = tarfile.TarFile, tarfile.TarInfo
    return (
        is_own((own,), tarfile, "open")
        and is_own((own,), archive, "open", "taropen", "gettarinfo", "add", "addfile", "close")
        and is_own((own,), member, "get_info", "tobuf", "create_pax_header")
        and archive.__module__ == member.__module__ == own
        and archive.tarinfo is member
        and archive.format == tarfile.PAX_FORMAT
    )
