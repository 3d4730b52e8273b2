"""A private tree: the project root as one hook alone sees it, where its writes are nobody else's.

What a project's own code writes into its tree, through setuptools, an extension module or a
child process, cannot be redirected by replacing functions. The kernel can: the hook runs in a
process with a mount namespace of its own, in which a file system that copies on write (overlayfs)
lies over the root. The root is its lower layer, which is only read; the upper one is in this
call's slot. Any number of hooks write at once, nothing of it is seen outside, and a root that
cannot be written builds.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from .. import interpreter
from ..errors import PrivateTreeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def run(function: Callable[[], T], root: str, place: str, through: Sequence[str] = ()) -> T:
    """Call *function* in another process, to which the tree in *root* is its own.

    Its current directory is *root*. :class:`PrivateTreeError` says why there is no such tree; then
    *function*, which is pickled, has not been called. The rest is as for :func:`.overlay.lay_over`.
    """
    if sys.platform != "linux":
        raise PrivateTreeError("this system is not Linux")
    if find_spec("_ctypes") is None:
        raise PrivateTreeError("this Python has no ctypes")
    if inner := _mount_below(root):
        raise PrivateTreeError(f"there is another mount in it, {inner}")
    what = f"a private tree of {root}"
    arguments = (function, os.getpid(), root, place, through)
    returned: T = interpreter.call(what, root, _inside, *arguments)
    return returned


def _mount_below(root: str) -> str | None:
    """Return a directory in *root* where something is mounted, which an overlay would hide."""
    prefix = os.fsencode(os.path.join(root, ""))
    with suppress(OSError), open("/proc/self/mountinfo", "rb") as mounts:
        for line in mounts:
            point = line.split()[4].decode("unicode_escape").encode("latin-1")  # " " is \040
            if point.startswith(prefix):
                return os.fsdecode(point)
    return None


def _inside(
    function: Callable[[], T], caller: int, root: str, place: str, through: Sequence[str]
) -> T:
    from ..kernel import end_with
    from .overlay import lay_over

    lay_over(root, place, through)
    end_with(caller)
    return function()
