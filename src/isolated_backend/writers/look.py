"""A look at the tree: what an extension module writes by itself, no audit event tells of."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

#: What frontends, users and plain setuptools make in the root, beside a build.
_BESIDE = frozenset(["build", "dist", "node_modules", "__pycache__"])
_PASSING = (".whl", ".gz", ".zip", ".log", ".out", ".pyc")


def look(root: str) -> set[tuple[str, int, int, int]]:
    """Return each file in *root* that may become part of an artifact, and its state."""
    seen = set()
    directories = [root]
    while directories:
        with suppress(OSError), os.scandir(directories.pop()) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name in _BESIDE or entry.path == sys.prefix:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    directories.append(entry.path)
                elif not entry.name.endswith(_PASSING):
                    found = entry.stat(follow_symlinks=False)
                    seen.add((entry.path, found.st_mtime_ns, found.st_size, found.st_ino))
    return seen


def is_foreign(path: str) -> bool:
    """Tell whether the extension module at *path* is not of the standard library."""
    return os.path.basename(os.path.dirname(path)) not in ("lib-dynload", "DLLs")


def has_foreign() -> bool:
    """Tell whether this process has such a module already."""
    files = (getattr(module, "__file__", None) or "" for module in list(sys.modules.values()))
    return any(file.endswith((".so", ".pyd")) and is_foreign(file) for file in files)
