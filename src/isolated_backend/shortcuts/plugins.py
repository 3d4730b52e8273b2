"""Entry points of other packages, read once for a call and not for each command.

Assumes that ``importlib.metadata.entry_points`` selects from what it returns without arguments.
What has been read is good for as long as that itself would trust what it remembers of a directory:
until ``sys.path`` or the time of a directory in it changes.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..redirect.replacement import Replacements

if TYPE_CHECKING:
    from ..call import Call
    from ..redirect.replacement import Method

replaces = Replacements()


@replaces("importlib.metadata", "", "entry_points")
def _entry_points(call: Call, original: Method) -> Method:
    """Select from what has been read already."""

    @lru_cache(maxsize=1)
    def read(state_of_path: tuple[Any, ...]) -> Any:
        return original()

    def entry_points(**params: Any) -> Any:
        return read(_state_of_path()).select(**params) if params else original()

    return entry_points


def _state_of_path() -> tuple[Any, ...]:
    """Return a fingerprint that changes when other packages can be found."""
    return (os.getcwd(), *((entry, _time_of(entry)) for entry in sys.path))


def _time_of(entry: Any) -> int | None:
    try:
        return os.stat(entry or os.curdir).st_mtime_ns
    except (OSError, TypeError, ValueError):
        return None
