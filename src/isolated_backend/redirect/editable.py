"""Editable installs: what they leave in the root, and may be in use there."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .replacement import Replacements

if TYPE_CHECKING:
    from ..call import Call
    from .replacement import Method

replaces = Replacements("build_editable")

_EDITABLE_WHEEL = "setuptools.command.editable_wheel"


@replaces(_EDITABLE_WHEEL, "", "_empty_dir")
def _empty_dir(call: Call, original: Method, directory: Any) -> Any:
    """Do not empty the link tree of the strict mode: it stays in use until the new one is there."""
    os.makedirs(directory, exist_ok=True)
    return directory


@replaces(_EDITABLE_WHEEL, "_LinkTree", "_create_links")
def _create_links(call: Call, original: Method, self: Any, *args: Any) -> None:
    """Put the new links over those of the installation before, then remove what is left of it."""
    tree, made = os.fspath(self.auxiliary_dir), set()
    create_file = self._create_file

    def create_and_record(relative_output: str, *args: Any, **kwargs: Any) -> None:
        target = os.path.normpath(os.path.join(tree, relative_output))
        made.add(target)
        _make_way(tree, target)
        create_file(relative_output, *args, **kwargs)

    self._create_file = create_and_record
    original(self, *args)
    for directory, _, files in os.walk(tree, topdown=False):
        for path in [os.path.join(directory, file) for file in files]:
            if os.path.normpath(path) not in made:
                os.unlink(path)
        with suppress(OSError):
            os.rmdir(directory)  # only if nothing is left in it


def _make_way(tree: str, target: str) -> None:
    """Remove what the installation before has in the place of *target* or of a directory to it."""
    if os.path.isdir(target) and not os.path.islink(target):
        shutil.rmtree(target)
    while (target := os.path.dirname(target)).startswith(os.path.join(tree, "")):
        if os.path.lexists(target) and not os.path.isdir(target):
            os.unlink(target)
