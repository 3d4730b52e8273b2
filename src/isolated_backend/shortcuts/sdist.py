"""An sdist's archive, written without a copy of every file where nobody looks at the copies.

Assumes of setuptools that ``make_release_tree`` copies each listed file, and ``make_archive`` packs
these copies with ``tarfile``, in the order of their names. :func:`.archive.sample` finds out
whether it does in the known way, and :func:`.archive.write` whether a file vanishes or changes.
"""

from __future__ import annotations

import os
import stat
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..redirect.replacement import Replacements, is_own, is_setuptools_own
from ..redirect.sdist import SomeFiles
from . import archive, proof

if TYPE_CHECKING:
    from tarfile import TarInfo

    from ..call import Call
    from ..redirect.replacement import Method

replaces = Replacements("build_sdist")

#: The bits of a mode that a copy may not have, whoever makes it.
_SPECIAL_BITS = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX


@replaces("distutils.command.sdist", "sdist", "make_distribution")
def _make_distribution(call: Call, original: Method) -> Method:
    """Stage only what setuptools makes or edits, where nobody looks into the staging directory."""

    def make_distribution(self: Any) -> None:
        files = self.filelist.files
        streamed = _streamed(call, files) if _is_made_by_setuptools_alone(self) else {}
        like = _sample(call, self) if streamed else None
        if like is None:
            original(self)
            return
        proof.begin(call, streamed)
        name = self.distribution.get_fullname()
        base_dir = call.shadow.relocate(name)
        call.collect(base_dir)
        self.make_release_tree(base_dir, SomeFiles(file for file in files if file not in streamed))
        made = os.path.join(self.dist_dir, name) + ".tar.gz"
        self.mkpath(self.dist_dir)
        archive.write(made, base_dir, streamed, like, call.normal_form)
        proof.prove(call, streamed)
        self.archive_files = [made]
        self.distribution.dist_files.append(("sdist", "", made))
        import_module("distutils.dir_util").remove_tree(base_dir)

    return make_distribution


def _sample(call: Call, sdist: Any) -> TarInfo | None:
    """Return how setuptools describes a staged file in an archive, if it is as it is known to."""

    def stage(source: str, target: str) -> None:
        import_module("distutils.file_util").copy_file(source, target, verbose=0)

    def pack(place: str, top: str) -> str:
        base_name = os.path.join(place, "theirs")
        return str(sdist.make_archive(base_name, "gztar", root_dir=place, base_dir=top))

    place = os.path.join(call.shadow.place, "sample")
    return archive.sample(place, sdist.distribution.get_fullname(), stage, pack)


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
        and _is_tarfile_as_ever()
    )


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
