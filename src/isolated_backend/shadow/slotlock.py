"""The locks of one slot: what guards it while a process of its build lives."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from .claim import claim
from .lock import try_lock
from .tenant import LOCK

if TYPE_CHECKING:
    from contextlib import ExitStack


def lock_slot(path: str, held: ExitStack, *, create: bool) -> int | None:
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
                make_directory(os.path.dirname(path))
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
                is_free = not os.path.isdir(path) or lock_directory(path, held) is not False
                return lock if is_free else None


def lock_directory(path: str, held: ExitStack) -> bool | None:
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


def make_directory(path: str) -> None:
    """Make the directory *path* with mode 0700, whatever the umask is.

    Raises:
        OSError: it cannot be made, or is there already.
    """
    os.mkdir(path, 0o700)
    os.chmod(path, 0o700)
