"""A private tree: the project root as one hook alone sees it, where its writes are nobody else's.

What a project's own code writes into its tree, through setuptools, an extension module or a
child process, cannot be redirected by replacing functions. The kernel can: the hook runs in a
process with a mount namespace of its own, in which a file system that copies on write (overlayfs)
lies over the root. The root is its lower layer, which is only read; the upper one is in this
call's slot. Any number of hooks write at once, nothing of it is seen outside, and a root that
cannot be written builds.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from .. import interpreter
from ..errors import PrivateTreeError, causes
from ..shadow import slots

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def run(function: Callable[[], T], root: str, place: str, through: Sequence[str] = ()) -> T:
    """Call *function* in another process, to which the tree in *root* is its own.

    Args:
        function: what to call there, to be pickled; its current directory is *root*.
        root: the project root.
        place: a directory of this call's alone, for what is written.
        through: directories that are to be the real ones where they are in *root*.

    Returns:
        What *function* returns.

    Raises:
        PrivateTreeError: there is no private tree here, and why. If *function* has been called
            nevertheless, nothing that it did to the tree has remained.
        BaseException: what :func:`isolated_backend.interpreter.call` raises.
    """
    if sys.platform != "linux":
        raise PrivateTreeError("this system is not Linux")
    if find_spec("_ctypes") is None:
        raise PrivateTreeError("this Python has no ctypes")
    inner = root if root == os.sep else _mount_below(root)
    if inner is not None:
        raise PrivateTreeError(f"there is another mount in it, {inner}")
    try:
        what = f"a private tree of {root}"
        arguments = (function, os.getpid(), root, place, through)
        returned: T = interpreter.call(what, root, _inside, *arguments)
    except (Exception, SystemExit) as error:
        # Cython hides the reason, and so does a child process: then the tree has to tell.
        hidden = os.geteuid() != 0 and not isinstance(error, PrivateTreeError)
        if hidden and _has_unknown_owner(root):
            raise _unknown_owner(root) from error
        raise
    return returned


def obstacle(temporary: str) -> str | None:
    """Return why there are no private trees on this machine; ``None`` if there are.

    Args:
        temporary: the directory for temporary files, which is tried with a tree that is made there.
    """
    with slots.lease(temporary, temporary, purpose="check") as place:
        root = os.path.join(place, "root")
        os.mkdir(root)
        try:
            run(partial(os.mkdir, os.path.join(root, "new")), root, place)
        except PrivateTreeError as error:
            return str(error)
    return None


def _mount_below(root: str) -> str | None:
    """Return a directory in *root* where something is mounted, which an overlay would hide."""
    prefix = os.fsencode(os.path.join(root, ""))
    with suppress(OSError), open("/proc/self/mountinfo", "rb") as mounts:
        for line in mounts:
            point = line.split()[4]
            if b"\\" in point:
                point = re.sub(rb"\\(\d{3})", lambda found: bytes([int(found[1], 8)]), point)
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
    try:
        return function()
    except (Exception, SystemExit) as error:
        if any(getattr(cause, "errno", None) == errno.EOVERFLOW for cause in causes(error)):
            raise _unknown_owner(root) from error
        raise


def _unknown_owner(root: str) -> PrivateTreeError:
    return PrivateTreeError(
        f"some of {root} belongs to users or groups that a user namespace does not know"
    )


def _has_unknown_owner(root: str) -> bool:
    """Tell whether something in *root* is of another user or group than this process."""
    known = (os.geteuid(), os.getegid())
    for directory, directories, files in os.walk(root):
        for name in (*directories, *files):
            found = os.lstat(os.path.join(directory, name))
            if (found.st_uid, found.st_gid) != known:
                return True
    return False
