"""Removing what a build has made, whatever modes it has."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress


def remove(path: str) -> None:
    """Remove the tree at *path* as far as it can be removed."""
    shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):
        # Read-only sources are staged with their modes, and overlayfs makes a directory of mode 0.
        _let_in(path)
        for directory, directories, files in os.walk(path):
            for name in (*directories, *(files if sys.platform == "win32" else ())):
                _let_in(os.path.join(directory, name))
        shutil.rmtree(path, ignore_errors=True)


def empty(path: str) -> None:
    """Remove what is in the directory *path* as far as it can be removed."""
    for entry in list(os.scandir(path)):
        if entry.is_dir(follow_symlinks=False):
            remove(entry.path)
        else:
            with suppress(OSError):
                os.unlink(entry.path)


def _let_in(path: str) -> None:
    if not os.path.islink(path):  # where it leads is not ours
        with suppress(OSError):
            os.chmod(path, 0o700)
