"""Projects that write into their own source tree while they are built."""

from __future__ import annotations

import errno
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ..errors import BackendError, PrivateTreeError, causes
from ..messages import tell
from . import nested
from .access import Access

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from ..call import Call

T = TypeVar("T")

_INTO_ROOT = "build_editable"  # is for writing there
_NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)


def run(call: Call, build: Callable[[], T]) -> T:
    """Call *build* with access to the source tree as the settings want it to be.

    Where the hook is to have a private tree, *build* is pickled.
    """
    mode, obstacle = call.settings.in_tree_writes, None
    is_writable = os.access(call.root, os.W_OK)
    if nested.is_nested(call.root):
        mode = "allow"  # the build that has started this one has the tree
    elif call.hook != _INTO_ROOT and (mode == "private" or (mode == "auto" and not is_writable)):
        try:
            return _in_a_private_tree(call, build)
        except PrivateTreeError as error:
            obstacle = str(error)
            call.shadow.clear()
    if mode == "private":
        mode = "lock"
        if obstacle:
            tell(f"no private tree of {call.root}, for {obstacle}; builds take turns instead.")
    writes: list[str] = []
    try:
        with _access(call, mode, writes.append):
            return build()
    except (Exception, SystemExit) as error:
        if writes and not is_writable:
            _name_read_only_root(call.root, writes[-1], obstacle, error)
        raise


def _access(
    call: Call, mode: str, *on_write: Callable[[str], object]
) -> AbstractContextManager[None]:
    """Give *call* access to its tree, and tell it and *on_write* what is written there."""
    access = Access(
        call.root,
        mode,
        timeout=call.settings.lock_timeout,
        hook=call.hook,
        own=[*call.own, *filter(None, [call.metadata_directory])],
        writer="an editable install" if call.hook == _INTO_ROOT else None,
        on_write=(call.note_write, *on_write),
    )
    return access.granted()


def _in_a_private_tree(call: Call, build: Callable[[], T]) -> T:
    """Call *build* where no other build sees what it writes: it only reads the tree."""
    from . import privatetree  # here, because few need it

    with _access(call, "private"):
        # An environment in the root is not the project's, either.
        through = [*call.own, sys.prefix]
        return privatetree.run(partial(_seen, call, build), call.root, call.shadow.slot, through)


def _seen(call: Call, build: Callable[[], T]) -> T:
    """Call *build* in a private tree, and tell the call what is written there."""
    with _access(call, "allow"):
        return build()


def _name_read_only_root(root: str, name: str, obstacle: str | None, error: BaseException) -> None:
    """Say that *name* was to be written into *root*: the *error* may not even tell."""
    sentence = (
        f"{root} cannot be written, and the project's own code writes {name} there "
        "while it is built"
        + (f"; nor is there a private tree of it, for {obstacle}." if obstacle else ".")
    )
    if any(getattr(cause, "errno", None) in _NOT_WRITABLE for cause in causes(error)):
        raise BackendError(sentence) from error
    tell(f"warning: {sentence}")  # perhaps it is something else that has failed
