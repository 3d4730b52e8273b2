"""Garbage collection while setuptools is imported."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def garbage_kept() -> Iterator[None]:
    """Let the garbage be while modules are imported: they make many objects, and all stay.

    Afterwards these count as old: the collector would look at them all, once more, to find that.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # else somebody has frozen what is to stay frozen
            gc.freeze()
            gc.unfreeze()
        if enabled:
            gc.enable()
