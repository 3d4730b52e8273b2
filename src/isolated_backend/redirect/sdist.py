"""The sdist: its staging directory and its archive."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .replacement import Replacements, is_own, is_setuptools_own

if TYPE_CHECKING:
    from ..shadow import Shadow
    from .replacement import Method

replaces = Replacements()


@replaces("distutils.command.sdist", "sdist", "make_distribution")
def _make_distribution(shadow: Shadow, original: Method) -> Method:
    """Stage and archive ``name-version/`` in the shadow.

    The original keeps the staging directory and the prefix of the members in one relative path,
    so it cannot be asked to stage elsewhere. An override of ``make_release_tree`` gets the
    directory that it can write to, with all files in it; where nobody looks into it, only those
    are staged that setuptools makes or edits.
    """

    def make_distribution(self: Any) -> None:
        from .. import archive  # here, for it imports tarfile, and other hooks need neither

        name = self.distribution.get_fullname()
        base_dir = shadow.relocate(name)
        shadow.collect(base_dir)
        streamed = archive.without_staging(_unseen(shadow, self)) - {"setup.cfg"}  # that is edited
        files = [file for file in self.filelist.files if file not in streamed]
        self.make_release_tree(base_dir, _Part(files) if streamed else files)
        # A tar archive comes last: the compressed ones are made through a file of its name.
        formats = sorted(self.formats, key="tar".__eq__)
        self.archive_files = []
        for archive_format in formats:
            base_name = os.path.join(self.dist_dir, name)
            if streamed:
                made = base_name + ".tar.gz"
                self.mkpath(self.dist_dir)
                import_module("distutils.log").info("Creating tar archive")
                sample = archive.make_sample(shadow.place)
                copied = os.path.join(base_dir, archive.SAMPLE)
                # With the mode it would be linked, as all that is ours and passes.
                copy_file = import_module("distutils.file_util").copy_file
                copy_file(sample, copied, preserve_mode=False, verbose=0)
                archive.write(made, base_dir, streamed, _skip, shadow.normal_form)
            else:
                made = self.make_archive(
                    base_name,
                    archive_format,
                    base_dir=base_dir,
                    owner=self.owner,
                    group=self.group,
                )
            self.archive_files.append(made)
            self.distribution.dist_files.append(("sdist", "", made))
        if not self.keep_temp:
            import_module("distutils.dir_util").remove_tree(base_dir)

    return make_distribution


def _skip(name: str) -> None:
    """Say of a file that has been listed what setuptools says when it stages what is none."""
    import_module("distutils.log").warn("'%s' not a regular file -- skipping", name)


def _unseen(shadow: Shadow, sdist: Any) -> list[str]:
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
    return [name for name in sdist.filelist.files if shadow.actual(name) == name]


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


class _Part(list[str]):
    """Some of the files of an sdist: of none at all, setuptools would warn."""

    def __bool__(self) -> bool:
        return True


@replaces("distutils.command.sdist", "sdist", "make_release_tree")
def _make_release_tree(shadow: Shadow, original: Method) -> Method:
    """Stage the files of the root as ever, and beside them those that are in the shadow.

    When an override's ``super().make_release_tree()`` returns, the tree is complete.
    """

    def make_release_tree(self: Any, base_dir: str, files: list[str]) -> None:
        base_dir = shadow.relocate(base_dir)  # an override of make_distribution knows no better
        in_shadow = [name for name in files if shadow.actual(name) != name]
        shadowed = set(in_shadow)
        in_tree = (name for name in files if name not in shadowed)
        original(self, base_dir, _Part(in_tree) if files else files)
        for name in in_shadow:
            if not os.path.isfile(shadow.actual(name)):
                _skip(name)  # a pattern has found a directory
                continue
            target = os.path.join(base_dir, name)
            self.mkpath(os.path.dirname(target))
            self.copy_file(name, target)

    return make_release_tree


@replaces("distutils.cmd", "Command", "make_archive")
def _make_archive(shadow: Shadow, original: Method) -> Method:
    """Archive a directory of the shadow under its in-tree name."""

    def make_archive(
        self: Any,
        base_name: str,
        format: str,  # noqa: A002 - the name that distutils' callers use
        root_dir: str | None = None,
        base_dir: str | None = None,
        owner: str | None = None,
        group: str | None = None,
    ) -> Any:
        if root_dir is None and base_dir is not None:
            name = shadow.in_tree(base_dir)
            if shadow.actual(name) != name:
                root_dir, base_dir = shadow.place, name
        return original(self, base_name, format, root_dir, base_dir, owner=owner, group=group)

    return make_archive
