"""Leasing a directory for one hook call.

``TMPDIR/isolated-backend.UID/PROJECT-HASH/N`` is a *slot*. A build takes the lowest free ``N``; a
lock that the kernel frees with the process guards it:

- A killed build leaves its slot to the next one, which wipes it: no sweeper is needed, and
  leftovers are bounded by the highest number of simultaneous builds there ever was.
- A build that runs alone always gets slot 0: a path that a compiler or a configure script
  writes into a binary is the same each time, and a compiler cache finds it again.
"""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING

from .. import messages
from ..errors import ShadowError
from .claim import SLOT_VARIABLE, is_used_by_a_survivor
from .removal import remove
from .slotlock import lock_directory, lock_slot, make_directory
from .temporary import directory_of, home, own_home, private_prefix
from .tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What the name of a slot is followed by in that of the mark of a kept one.
KEPT = ".kept"


@contextmanager
def lease(root: str, temporary: str, *, purpose: str = "", keep: bool = False) -> Iterator[str]:
    """Lease an empty directory for one hook call on the project in *root*.

    Args:
        root: the project root.
        temporary: the directory for temporary files (:func:`.temporary.temporary_directory`).
        purpose: the hook's name, for whoever asks what the directory is used for.
        keep: leave the directory as it is at the end, and do not lease it again.

    Yields:
        The directory's real path.

    Raises:
        ShadowError: the temporary directory cannot be used.
    """
    try:
        slot = _numbered(root, temporary, purpose) or _private(temporary)
    except OSError as error:
        raise ShadowError(
            f"Cannot make a directory to build in below {temporary}: "
            f"{error.strerror}. Free it, or point TMPDIR to a directory that can be written."
        ) from error
    owner, before = os.getpid(), os.environ.get(SLOT_VARIABLE)
    os.environ[SLOT_VARIABLE] = slot.path
    try:
        yield slot.path
    finally:
        os.environ.pop(SLOT_VARIABLE, None)
        if before is not None:
            os.environ[SLOT_VARIABLE] = before
        # A process that setup.py forked comes by here, too; the slot is its parent's.
        if os.getpid() == owner:
            slot.give_back(keep=keep)


@contextmanager
def taken(path: str) -> Iterator[bool]:
    """Take the slot *path*, so that no build uses it meanwhile, if none does already.

    Yields:
        Whether it is taken.

    Raises:
        OSError: it has no lock, or none that can be taken.
    """
    with ExitStack() as held:
        yield lock_slot(path, held, create=False) is not None


class _Slot:
    """A directory, and the locks on it in *held*."""

    def __init__(self, path: str, held: ExitStack, lock: int | None = None) -> None:
        self.path = path
        self._held = held
        self._lock = lock

    def give_back(self, *, keep: bool) -> None:
        """Remove the directory and let others have it, or mark it as not to be had."""
        # Closing frees a lock unless a child still has the descriptor. Unlocking would free it
        # for that child, too, which may be at work in the slot.
        with self._held:
            if keep:
                os.close(os.open(self.path + KEPT, os.O_WRONLY | os.O_CREAT, 0o600))
            else:
                remove(self.path)
                if self._lock is not None:
                    with suppress(OSError):
                        os.ftruncate(self._lock, 0)


def _numbered(root: str, temporary: str, purpose: str) -> _Slot | None:
    """Take the lowest free slot; ``None`` where there is no safe place or no lock for slots."""
    if own_home(temporary) is None:
        messages.tell(
            f"warning: {home(temporary)} is not owned by you with mode 0700; using a private "
            "temporary directory instead. Remove it, or point TMPDIR to another directory."
        )
        return None
    directory = directory_of(root, temporary)
    for number in count():
        path = os.path.join(directory, str(number))
        if os.path.exists(path + KEPT):
            continue
        try:
            slot = _take(path, Tenant(os.getpid(), purpose, os.path.realpath(root)))
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise
            return None  # ours, but it cannot be written (fakeroot), or cannot be locked
        if slot is not None:
            return slot
    raise AssertionError("count() does not end")  # pragma: no cover


def _take(path: str, tenant: Tenant) -> _Slot | None:
    """Take the slot *path*; ``None`` if it is in use, or what a killed build left resists.

    Raises:
        OSError: it cannot be made, or has no lock.
    """
    with ExitStack() as held:
        lock = lock_slot(path, held, create=True)
        if lock is None or (os.fstat(lock).st_size and is_used_by_a_survivor(path)):
            return None
        remove(path)
        try:
            make_directory(path)
        except FileExistsError:
            return None
        if lock_directory(path, held) is False:
            return None
        tenant.sign(lock)
        return _Slot(path, held.pop_all(), lock)
    raise AssertionError("nothing is suppressed")  # pragma: no cover


def _private(temporary: str) -> _Slot:
    """Make a directory with a random name, where slots cannot be had."""
    remove_abandoned(temporary)
    with ExitStack() as held:
        path = tempfile.mkdtemp(prefix=private_prefix(), dir=temporary)
        os.chmod(path, 0o700)
        lock_directory(path, held)
        return _Slot(path, held.pop_all())
    raise AssertionError("nothing is suppressed")  # pragma: no cover


def remove_abandoned(temporary: str) -> list[str]:
    """Remove the directories with random names that killed builds of this user have left.

    Args:
        temporary: the directory for temporary files.

    Returns:
        The paths of those that are gone.
    """
    found = []
    for name in os.listdir(temporary):
        path = os.path.join(temporary, name)
        if name.startswith(private_prefix()) and not os.path.exists(path + KEPT):
            with suppress(OSError), ExitStack() as held:
                if lock_directory(path, held):
                    remove(path)
                    found.append(path)
    return found
