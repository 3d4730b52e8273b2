"""Keep the ``.pyc`` files of modules that live in the project root out of it.

Importing a module of the project makes Python write ``__pycache__`` beside it, which with ``graft``
in MANIFEST.in even gets into the sdist. ``sys.dont_write_bytecode`` would stop that for
site-packages, too, and a fresh build environment of uv comes without compiled files: every later
hook would compile setuptools again. So only the root is kept free.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager, suppress
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader

TYPE_CHECKING = False  # `typing` takes longer to import than the rest
if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec
    from typing import Any

_VARIABLE = "PYTHONDONTWRITEBYTECODE"
_OURS = "isolated-backend"  # any text is a yes

#: A compiled file this young, in seconds, is taken to be made by the import that is under way.
_JUST_NOW = 10.0


def is_the_projects(path: str, root: str) -> bool:
    """Tell whether *path* is below *root* and not in an environment that lies there (``.venv``).

    The root may lie in an environment, too: pip checks out editable requirements in ``VENV/src``.
    """
    inside = os.path.join(root, "")
    if not path.startswith(inside):
        return False
    prefix = sys.prefix + os.sep
    in_environment = prefix.startswith(inside) and path.startswith(prefix) and prefix != inside
    return not in_environment and f"{os.sep}site-packages{os.sep}" not in path[len(root) :]


@contextmanager
def kept_out_of(root: str) -> Iterator[None]:
    """While this is open, import the modules below *root* without caching their bytecode.

    Child processes that are started meanwhile read compiled files but write none.
    """
    variable = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = variable or _OURS
    original = SourceFileLoader.set_data

    def replaced(self: SourceFileLoader, path: str, data: bytes, **mode: Any) -> None:
        if not is_the_projects(os.path.abspath(path), root):
            original(self, path, data, **mode)

    SourceFileLoader.set_data = replaced  # type: ignore[assignment]
    try:
        yield
    finally:
        if SourceFileLoader.set_data is replaced:
            SourceFileLoader.set_data = original  # type: ignore[method-assign]
        os.environ.pop(_VARIABLE, None)  # setup.py may have cleared the environment
        if variable is not None:
            os.environ[_VARIABLE] = variable


@contextmanager
def written_by_children() -> Iterator[None]:
    """While this is open, let child processes write bytecode, unless the user forbade it."""
    ours = os.environ.get(_VARIABLE) == _OURS
    if ours:
        del os.environ[_VARIABLE]
    try:
        yield
    finally:
        if ours:
            os.environ[_VARIABLE] = _OURS


class _Uncached(SourceFileLoader):
    def set_data(self, *args: Any, **kwargs: Any) -> None:
        """Write no compiled file."""


def keep_our_own_out_of(root: str, package: str, *specs: ModuleSpec | None) -> None:
    """Cache none of the backend's own modules, below *package*, if they are in *root* (in-tree).

    The modules of *specs* were imported before anything could prevent it.
    """
    if is_the_projects(os.path.abspath(__file__), root):
        for spec in specs:
            if spec is not None and spec.cached is not None and not sys.dont_write_bytecode:
                _forget(spec.cached)
        for directory, _, _ in os.walk(package):
            sys.path_importer_cache[directory] = FileFinder(directory, (_Uncached, SOURCE_SUFFIXES))


def _forget(cached: str) -> None:
    """Remove the compiled file *cached*, and the directory that was made for it, if it is new."""
    with suppress(OSError):
        if time.time() - os.stat(cached).st_mtime < _JUST_NOW:
            os.unlink(cached)
            os.rmdir(os.path.dirname(cached))
