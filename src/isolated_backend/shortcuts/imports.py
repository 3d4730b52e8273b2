"""Garbage collection while setuptools is imported."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


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
