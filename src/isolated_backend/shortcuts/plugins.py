"""What other packages have registered: entry points."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..redirect.replacement import Replacements

if TYPE_CHECKING:
    from ..call import Call
    from ..redirect.replacement import Method

replaces = Replacements()

_read: WeakKeyDictionary[Call, dict[tuple[Any, ...], Any]] = WeakKeyDictionary()


@replaces("importlib.metadata", "", "entry_points")
def _entry_points(call: Call, original: Method, **params: Any) -> Any:
    """Read the metadata of all that is installed once for the call, not for each command.

    What has been read is good for as long as ``importlib.metadata`` itself would trust what it
    remembers of a directory: until ``sys.path`` or the time of a directory in it changes.
    """
    if not params:
        return original()
    read = _read.setdefault(call, {})
    state = _state_of_path()
    if state not in read:
        read.clear()
        read[state] = original()
    return read[state].select(**params)


def _state_of_path() -> tuple[Any, ...]:
    """Return something that is another when other packages can be found."""
    return (os.getcwd(), *((entry, _time_of(entry)) for entry in sys.path))


def _time_of(entry: Any) -> int | None:
    try:
        return os.stat(entry or os.curdir).st_mtime_ns
    except (OSError, TypeError, ValueError):
        return None
