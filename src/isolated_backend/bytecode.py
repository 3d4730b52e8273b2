"""Keep the ``.pyc`` files of modules that live in the project root out of it.

Importing a module of the project (``setup.py`` reads the version from it, a backend lies in the
tree) makes Python write ``__pycache__`` beside it. That is a write into the root, and with
``graft`` in MANIFEST.in it even gets into the sdist. ``sys.dont_write_bytecode`` would stop it
for site-packages, too, and a fresh build environment of uv comes without compiled files: every
later hook would compile setuptools again. So only the root is kept free.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import contextmanager, suppress
from importlib.machinery import SourceFileLoader

TYPE_CHECKING = False  # `typing` takes longer to import than the rest
if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec
    from typing import Any

_VARIABLE = "PYTHONDONTWRITEBYTECODE"
_OURS = "isolated-backend"  # any text is a yes

#: A compiled file this young, in seconds, is taken to be made by the import that is under way.
_JUST_NOW = 10.0

_lock = threading.Lock()
_free_roots: list[str] = []
_before: dict[str, Any] = {}  # what was there before it was replaced


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

    Child processes that are started meanwhile read compiled files but write none. It may be open
    in several threads, for several roots.
    """
    with _lock:
        if not _free_roots:
            _replace()
        _free_roots.append(root)
    try:
        yield
    finally:
        with _lock:
            _free_roots.remove(root)
            if not _free_roots:
                _give_back()


def _set_data(self: SourceFileLoader, path: str, data: bytes, **mode: Any) -> None:
    """Stand in for ``SourceFileLoader.set_data``, which caches a module's bytecode."""
    if not any(is_the_projects(os.path.abspath(path), root) for root in _free_roots):
        _before["set_data"](self, path, data, **mode)


def _replace() -> None:
    _before.update(set_data=SourceFileLoader.set_data, variable=os.environ.get(_VARIABLE))
    SourceFileLoader.set_data = _set_data  # type: ignore[assignment]
    os.environ[_VARIABLE] = _before["variable"] or _OURS


def _give_back() -> None:
    if SourceFileLoader.set_data is _set_data:
        SourceFileLoader.set_data = _before["set_data"]  # type: ignore[method-assign]
    os.environ.pop(_VARIABLE, None)
    if _before["variable"] is not None:
        os.environ[_VARIABLE] = _before["variable"]


def _after_fork() -> None:
    """Make the lock anew: another thread may have held it, and is not in this process."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def environment_of_the_user() -> dict[str, str]:
    """Return the environment without what :func:`kept_out_of` has put there."""
    return {
        name: value for name, value in os.environ.items() if name != _VARIABLE or value != _OURS
    }


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


@contextmanager
def kept_out_of_the_project(root: str, *specs: ModuleSpec | None) -> Iterator[None]:
    """Do the same for the modules of the backend itself when it is used in-tree.

    The modules of *specs* were imported before anything could prevent it: their compiled files
    are taken away again if this import made them. A cache that was there before stays.

    Args:
        root: the project root.
        *specs: the specs of the modules that were imported already.
    """
    if not is_the_projects(os.path.abspath(__file__), root):
        yield
        return
    if not sys.dont_write_bytecode:
        for spec in specs:
            if spec is not None and spec.cached is not None:
                _forget(spec.cached)
    with kept_out_of(root):
        yield


def _forget(cached: str) -> None:
    """Remove the compiled file *cached*, and the directory that was made for it, if it is new."""
    with suppress(OSError):
        if time.time() - os.stat(cached).st_mtime < _JUST_NOW:
            os.unlink(cached)
            os.rmdir(os.path.dirname(cached))
