"""The sdist: its staging directory and its archive."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import vanished
from .replacement import Replacements

if TYPE_CHECKING:
    from ..call import Call
    from .replacement import Method

replaces = Replacements()


@replaces("distutils.command.sdist", "sdist", "make_distribution")
def _make_distribution(call: Call, original: Method, self: Any) -> None:
    """Stage and archive ``name-version/`` in the shadow: the original has one path for both."""
    name = self.distribution.get_fullname()
    path = os.path.join(self.dist_dir, name)
    base_dir = call.shadow.relocate(name)
    call.collect(base_dir)
    self.make_release_tree(base_dir, self.filelist.files)
    self.archive_files = []
    # A tar archive comes last: the compressed ones are made through a file of its name.
    for kind in sorted(self.formats, key="tar".__eq__):
        made = self.make_archive(path, kind, base_dir=base_dir, owner=self.owner, group=self.group)
        self.archive_files.append(made)
        self.distribution.dist_files.append(("sdist", "", made))
    if not self.keep_temp:
        import_module("distutils.dir_util").remove_tree(base_dir)


class SomeFiles(list[str]):
    """Some of the files of an sdist: of none at all, setuptools would warn."""

    def __bool__(self) -> bool:
        return True


@replaces("distutils.command.sdist", "sdist", "make_release_tree")
def _make_release_tree(
    call: Call, original: Method, self: Any, base_dir: str, files: list[str]
) -> None:
    """Stage the files of the root as ever, and then those that are in the shadow.

    What leads out of the directory (``../LICENSE``) is in no archive, wherever setuptools puts it.
    """
    if call.shadow.is_in_root(base_dir):
        base_dir = call.shadow.relocate(base_dir)  # by an override of make_distribution
    inside = [
        name for name in files if not (os.path.isabs(name) or name.startswith(os.pardir + os.sep))
    ]
    made = {name for name in inside if call.shadow.actual(name) != name}
    in_tree = (name for name in inside if name not in made)
    original(self, base_dir, SomeFiles(in_tree) if files else files)
    for name in sorted(made):
        target = os.path.join(base_dir, name)
        self.mkpath(os.path.dirname(target))
        self.copy_file(name, target)
    vanished.check_staged(call, self, base_dir, inside)


@replaces("distutils.cmd", "Command", "make_archive")
def _make_archive(
    call: Call,
    original: Method,
    self: Any,
    base_name: str,
    format: str,  # noqa: A002 - the name that distutils' callers use
    root_dir: str | None = None,
    base_dir: str | None = None,
    owner: str | None = None,
    group: str | None = None,
) -> Any:
    """Archive a directory of the shadow under its in-tree name."""
    if root_dir is None and base_dir is not None:
        name = call.shadow.in_tree(base_dir)
        if call.shadow.actual(name) != name:
            root_dir, base_dir = call.shadow.place, name
    return original(self, base_name, format, root_dir, base_dir, owner=owner, group=group)
