"""Builds inside of builds: setup.py may build its own project, in this process or in a child."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .holders import ancestors

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Names the process of a hook and its tree, for the builds that the hook's children start.
VARIABLE = "ISOLATED_BACKEND_TREE"


@contextmanager
def marked(root: str) -> Iterator[None]:
    """While this is open, tell the builds that this process starts that *root* is theirs, too."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = f"{os.getpid()}:{os.path.realpath(root)}"
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)
        if before is not None:
            os.environ[VARIABLE] = before


def is_nested(root: str) -> bool:
    """Tell whether this build was started by a hook that has the same tree and still runs.

    On Linux, a daemon that has inherited the variable does not count, nor a number that is another
    process's by now.
    """
    pid, _, path = os.environ.get(VARIABLE, "").partition(":")
    if path != os.path.realpath(root) or not pid.isdigit():
        return False
    return sys.platform != "linux" or int(pid) in ancestors()
