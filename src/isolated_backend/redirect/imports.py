"""Imports that setuptools makes for what a build does not do, left until somebody does it.

``setuptools`` imports ``urllib.request`` for a function that downloads a tarball, and with it come
``http.client``, ``ssl`` and more: a fifth of all the time that importing setuptools takes.
"""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGE, _MODULE = "urllib", "urllib.request"

#: What importing the module puts into its package. Nothing else of it is asked for: code that looks
#: for some attribute in all modules would import it, and so change them under its own hands.
_BROUGHT = ("request", "error", "response")


@contextmanager
def deferred() -> Iterator[None]:
    """Let ``import urllib.request`` do nothing while this is open.

    Afterwards that statement does what it always does, and who has got by without it (setuptools
    itself, or a setup.py that relies on it having imported the module) has the module imported by
    asking ``urllib`` for it.
    """
    package = import_module(_PACKAGE)
    if _MODULE in sys.modules or hasattr(package, "__getattr__"):
        yield
        return
    stand_in = ModuleType(_MODULE)

    def of_module(name: str) -> Any:
        """Stand in for an attribute of the module: ``from urllib.request import urlopen``."""
        _drop(stand_in)
        return getattr(import_module(_MODULE), name)

    def of_package(name: str) -> Any:
        """Stand in for an attribute that the package has only when the module is imported."""
        if name not in _BROUGHT:
            raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")
        _drop(stand_in)
        import_module(_MODULE)
        return vars(package)[name]

    stand_in.__getattr__ = of_module  # type: ignore[method-assign]
    package.__getattr__ = of_package  # type: ignore[method-assign]
    sys.modules[_MODULE] = stand_in
    try:
        yield
    finally:
        _drop(stand_in)


def _drop(stand_in: ModuleType) -> None:
    """Let the next import of what *stand_in* stands for be one."""
    if sys.modules.get(_MODULE) is stand_in:
        del sys.modules[_MODULE]


@contextmanager
def garbage_kept() -> Iterator[None]:
    """Let the garbage be while modules are imported: they make many objects, and all stay.

    Afterwards these count as old: the collector would look at them all, once more, to find that.
    Freezing and unfreezing does it, unless somebody has frozen objects that are to stay frozen.
    """
    enabled, frozen = gc.isenabled(), gc.get_freeze_count()
    may_unfreeze = not (frozen and _somebody_froze())
    gc.disable()
    try:
        yield
    finally:
        if may_unfreeze and gc.get_freeze_count() == frozen:
            gc.freeze()
            gc.unfreeze()
        if enabled:
            gc.enable()


def _somebody_froze() -> bool:
    """Tell whether ``gc.freeze()`` was called and not undone.

    The count of frozen objects does not tell: in Python 3.12 the collector itself moves immortal
    objects to the frozen ones. But ``gc.freeze()`` takes every object that there is, so afterwards
    the collector's lists lack ``sys.modules``, which is as old as the interpreter and not immortal.
    """
    return not any(each is sys.modules for each in gc.get_objects())
