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
from . import treelock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from ..call import Call
    from ..settings import Settings

T = TypeVar("T")

_NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)


def run(call: Call, build: Callable[[], T], build_apart: Callable[[], T]) -> T:
    """Call *build* while the source tree is held as the settings want it to be.

    Args:
        call: the call of the hook.
        build: calls setuptools' hook.
        build_apart: does the same in another process; it can be pickled.

    Returns:
        What *build* returns.
    """
    settings, obstacle = call.settings, None
    is_writable = os.access(call.root, os.W_OK)
    if _wants_private_tree(call, is_writable):
        try:
            return _in_a_private_tree(call, build_apart)
        except PrivateTreeError as error:
            from ..shadow import slots

            obstacle = str(error)
            slots.empty(call.shadow.place)
    if settings.in_tree_writes == "private":
        settings = settings.but(in_tree_writes="lock")
        if obstacle:
            tell(f"no private tree of {call.root}, for {obstacle}; builds take turns instead.")
    with ExitStack() as taken:
        told: list[Callable[[str], object]] = []
        if not is_writable:
            told.append(taken.enter_context(_read_only_root_named(call.root, obstacle)))
        taken.enter_context(_held(call, settings, told))
        return build()


def _held(
    call: Call, settings: Settings, told: Sequence[Callable[[str], object]] = ()
) -> AbstractContextManager[None]:
    """Hold the tree by *settings*, and tell the call and *told* what is written there."""
    told = (call.note_write, *told)
    return treelock.held(call.root, settings, own=call.own, writer=_writer(call), told=told)


def _writer(call: Call) -> str | None:
    """Return why this hook writes into the tree, whatever the project does."""
    return "an editable install" if call.hook == "build_editable" else None


def _wants_private_tree(call: Call, is_writable: bool) -> bool:
    """Tell whether this hook is to have a private tree, if there can be one.

    An editable install leaves files in the root; that is what it is for. A build that the
    project's own build starts is at work in the same tree as that.
    """
    if _writer(call) or treelock.is_held_by_a_parent(call.root):
        return False
    if call.settings.in_tree_writes == "auto":
        return sys.platform == "linux" and not is_writable
    return call.settings.in_tree_writes == "private"


def _in_a_private_tree(call: Call, build: Callable[[], T]) -> T:
    """Call *build* where no other build sees what it writes: it only reads the tree."""
    from . import privatetree  # here, for few need it

    with _held(call, call.settings.but(in_tree_writes="private")):
        return privatetree.run(
            partial(_seen, call, build),
            call.root,
            call.shadow.place,
            # An environment in the root is not the project's, either.
            through=[*call.own, sys.prefix],
        )


def _seen(call: Call, build: Callable[[], T]) -> T:
    """Call *build* in a private tree, and tell the call what is written there."""
    marker = os.environ.pop(treelock.MARKER)  # or nothing would be seen, as in a nested build
    with _held(call, call.settings.but(in_tree_writes="allow")):
        os.environ[treelock.MARKER] = marker
        return build()


@contextmanager
def _read_only_root_named(root: str, obstacle: str | None) -> Iterator[Callable[[str], object]]:
    """Say what was to be written into a root that cannot be: the error may not even name it.

    Args:
        root: the project root.
        obstacle: why there is no private tree, if there was to be one.

    Yields:
        What to call with each path that is about to be written.
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
