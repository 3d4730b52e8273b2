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
import sys
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from .. import messages
from ..errors import ShadowError
from .claim import SLOT_VARIABLE, claim, is_used_by_a_survivor
from .lock import try_lock
from .removal import remove
from .temporary import directory_of, home, own_home, private_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What the name of a slot ends with in the name of the lock on it, and of the mark of a kept one.
LOCK, KEPT = ".lock", ".kept"

_LONGEST = 1 << 14  # bytes, of what is read of a lock file


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


class Tenant(NamedTuple):
    """Who has a slot, or had it: the lock file tells, but only the lock tells if it still does."""

    pid: int
    purpose: str
    root: str

    def sign(self, lock: int) -> None:
        """Write it to the lock file *lock*; a full disk is no reason to fail."""
        with suppress(OSError):
            os.ftruncate(lock, 0)
            os.write(lock, os.fsencode(f"{self.pid}\n{self.purpose}\n{self.root}"))

    @classmethod
    def of(cls, path: str) -> Tenant | None:
        """Return who has, or had, the slot *path*; ``None`` if that is not known."""
        # Another user may have put anything there, and root may be asking.
        careful = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with (
            suppress(OSError, ValueError),
            open(path + LOCK, "rb", opener=lambda name, flags: os.open(name, flags | careful)) as f,
        ):
            pid, purpose, root = f.read(_LONGEST).split(b"\n", 2)
            return cls(int(pid), os.fsdecode(purpose), os.fsdecode(root))
        return None


@contextmanager
def taken(path: str) -> Iterator[bool]:
    """Take the slot *path*, so that no build uses it meanwhile, if none does already.

    Yields:
        Whether it is taken.

    Raises:
        OSError: it has no lock, or none that can be taken.
    """
    with ExitStack() as held:
        yield _lock(path, held, create=False) is not None


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
                _touch(self.path + KEPT)
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
        lock = _lock(path, held, create=True)
        if lock is None or (os.fstat(lock).st_size and is_used_by_a_survivor(path)):
            return None
        remove(path)
        try:
            _make_directory(path)
        except FileExistsError:
            return None
        if _lock_directory(path, held) is False:
            return None
        tenant.sign(lock)
        return _Slot(path, held.pop_all(), lock)
    raise AssertionError("nothing is suppressed")  # pragma: no cover


def _lock(path: str, held: ExitStack, *, create: bool) -> int | None:
    """Lock the slot *path* for as long as *held* is open; ``None`` if another process has it.

    A build never removes a lock file, for another may have it open. A cleaner may: then the name
    is still claimed, the directory locked, and a lock on a file that is gone is none.

    Returns:
        The descriptor of the lock file.

    Raises:
        OSError: there is no lock file, or this file system has no locks.
    """
    try:
        claimed = claim(path)
    except BlockingIOError:
        return None
    if claimed is not None:
        held.callback(claimed.close)
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | (os.O_CREAT if create else 0)
    while True:
        if create:
            with suppress(FileExistsError):
                _make_directory(os.path.dirname(path))
        try:
            lock = os.open(path + LOCK, flags, 0o600)
        except FileNotFoundError:
            if create:
                continue  # the directory has just been removed
            raise
        held.callback(os.close, lock)
        if not try_lock(lock):
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), os.stat(path + LOCK)):
                is_free = not os.path.isdir(path) or _lock_directory(path, held) is not False
                return lock if is_free else None


def _lock_directory(path: str, held: ExitStack) -> bool | None:
    """Lock the directory *path*, too, which keeps systemd-tmpfiles out.

    Returns:
        Whether it is locked; ``None`` where directories cannot be locked.

    Raises:
        OSError: it is none, or a link to one.
    """
    if sys.platform == "win32":  # where a directory cannot be opened
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    held.callback(os.close, descriptor)
    try:
        return try_lock(descriptor)
    except OSError:
        return None


def _private(temporary: str) -> _Slot:
    """Make a directory with a random name, where slots cannot be had."""
    remove_abandoned(temporary)
    with ExitStack() as held:
        path = tempfile.mkdtemp(prefix=private_prefix(), dir=temporary)
        os.chmod(path, 0o700)
        _lock_directory(path, held)
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
                if _lock_directory(path, held):
                    remove(path)
                    found.append(path)
    return found


def _make_directory(path: str) -> None:
    """Make the directory *path* with mode 0700, whatever the umask is.

    Raises:
        OSError: it cannot be made, or is there already.
    """
    os.mkdir(path, 0o700)
    os.chmod(path, 0o700)


def _touch(path: str) -> None:
    """Create the empty file *path*."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
