"""Projects that write into their own source tree while they are built."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ..errors import PrivateTreeError, ReadOnlyTreeError, causes
from ..messages import tell
from . import nested
from .guard import tree_access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from ..call import Call

T = TypeVar("T")

_NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)


def run(call: Call, build: Callable[[], T]) -> T:
    """Call *build* with access to the source tree as the settings want it to be.

    Args:
        call: the call of the hook.
        build: calls setuptools' hook; it can be pickled.

    Returns:
        What *build* returns.

    Raises:
        TreeLockError: another build held the tree for longer than ``lock-timeout``.
        ReadOnlyTreeError: the project writes into its tree, which cannot be written.
    """
    mode, obstacle = call.settings.in_tree_writes, None
    is_writable = os.access(call.root, os.W_OK)
    if nested.is_nested(call.root):
        mode = "allow"  # the build that has started this one has the tree
    elif _wants_private_tree(call, is_writable):
        try:
            return _in_a_private_tree(call, build)
        except PrivateTreeError as error:
            obstacle = str(error)
            call.shadow.clear()
    if mode == "private":
        mode = "lock"
        if obstacle:
            tell(f"no private tree of {call.root}, for {obstacle}; builds take turns instead.")
    with ExitStack() as opened:
        on_write: list[Callable[[str], object]] = []
        if not is_writable:
            on_write.append(opened.enter_context(_read_only_root_named(call.root, obstacle)))
        opened.enter_context(_access(call, mode, on_write))
        return build()


def _access(
    call: Call, mode: str, on_write: Sequence[Callable[[str], object]] = ()
) -> AbstractContextManager[None]:
    """Give *call* access to its tree, and tell it and *on_write* what is written there."""
    return tree_access(
        call.root,
        mode,
        timeout=call.settings.lock_timeout,
        hook=call.hook,
        own=[*call.own, *filter(None, [call.metadata_directory])],
        writer=_writer(call),
        on_write=(call.note_write, *on_write),
    )


def _writer(call: Call) -> str | None:
    """Return why this hook writes into the tree, whatever the project does."""
    return "an editable install" if call.hook == "build_editable" else None


def _wants_private_tree(call: Call, is_writable: bool) -> bool:
    """Tell whether this hook is to have a private tree, if there can be one.

    An editable install leaves files in the root; that is what it is for.
    """
    if _writer(call):
        return False
    if call.settings.in_tree_writes == "auto":
        return sys.platform == "linux" and not is_writable
    return call.settings.in_tree_writes == "private"


def _in_a_private_tree(call: Call, build: Callable[[], T]) -> T:
    """Call *build* where no other build sees what it writes: it only reads the tree."""
    from . import privatetree  # here, because few need it

    with _access(call, "private"):
        return privatetree.run(
            partial(_seen, call, build),
            call.root,
            call.shadow.slot,
            # An environment in the root is not the project's, either.
            through=[*call.own, sys.prefix],
        )


def _seen(call: Call, build: Callable[[], T]) -> T:
    """Call *build* in a private tree, and tell the call what is written there."""
    with _access(call, "allow"):
        return build()


@contextmanager
def _read_only_root_named(root: str, obstacle: str | None) -> Iterator[Callable[[str], object]]:
    """Say what was to be written into a root that cannot be: the error may not even name it.

    Args:
        root: the project root.
        obstacle: why there is no private tree, if there was to be one.

    Yields:
        A callback that receives each path that is about to be written.
    """
    writes: list[str] = []
    try:
        yield writes.append
    except (Exception, SystemExit) as error:
        if not writes:
            raise
        sentence = (
            f"{root} cannot be written, and the project's own code writes {writes[-1]} there "
            "while it is built"
            + (f"; nor is there a private tree of it, for {obstacle}." if obstacle else ".")
        )
        if any(getattr(cause, "errno", None) in _NOT_WRITABLE for cause in causes(error)):
            raise ReadOnlyTreeError(sentence) from error
        tell(f"warning: {sentence}")  # perhaps it is something else that has failed
        raise
