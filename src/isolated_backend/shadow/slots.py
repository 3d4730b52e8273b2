"""Leasing a directory for one hook call.

``TMPDIR/isolated-backend.UID/PROJECT-HASH/N`` is a *slot*. A build takes the lowest free ``N``, so
one that runs alone has slot 0: a path that a compiler writes into a binary is the same each time.
The kernel frees the locks on it with the process, and the next build wipes what a killed one has
left: no sweeper is needed.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from .. import messages
from .lock import try_lock
from .removal import remove
from .temporary import directory_of, home, making_room, own_home, private_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What the name of a slot is followed by in that of its lock, and of the mark of a kept one.
LOCK, KEPT = ".lock", ".kept"

#: The environment variable that tells a hook's child processes the slot of the hook.
SLOT_VARIABLE = "ISOLATED_BACKEND_SLOT"

_LONGEST_NAME = 80  # bytes of a path in the name of an abstract socket, which has 107 (unix(7))
_LONGEST_LOCK = 1 << 14  # bytes, of what is read of a lock file


class Tenant(NamedTuple):
    """Who has a slot, or had it: the lock file tells, but only the lock tells if it still does."""

    pid: int
    purpose: str
    root: str

    def sign(self, path: str) -> None:
        """Write it to the lock file of the slot *path*; a full disk is no reason to fail."""
        with suppress(OSError), open(path + LOCK, "wb") as file:
            file.write(os.fsencode(f"{self.pid}\n{self.purpose}\n{self.root}"))

    @classmethod
    def of(cls, path: str) -> Tenant | None:
        """Return who has, or had, the slot *path*; ``None`` if that is not known."""
        # Another user may have put anything there, and root may be asking.
        careful = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with (
            suppress(OSError, ValueError),
            open(path + LOCK, "rb", opener=lambda name, flags: os.open(name, flags | careful)) as f,
        ):
            pid, purpose, root = f.read(_LONGEST_LOCK).split(b"\n", 2)
            return cls(int(pid), os.fsdecode(purpose), os.fsdecode(root))
        return None


@contextmanager
def lease(root: str, temporary: str, *, purpose: str = "", keep: bool = False) -> Iterator[str]:
    """Lease an empty directory for one hook call, or for ever to *keep* it; yield its real path."""
    owner, before = os.getpid(), os.environ.get(SLOT_VARIABLE)
    # Closing frees a lock unless a child still has the descriptor. Unlocking would free it for
    # that child, too, which may be at work in the slot.
    with ExitStack() as held:
        with making_room(temporary):
            path = _numbered(root, temporary, purpose, held) or _private(temporary, held)
        os.environ[SLOT_VARIABLE] = path
        try:
            yield path
        finally:
            os.environ.pop(SLOT_VARIABLE, None)
            if before is not None:
                os.environ[SLOT_VARIABLE] = before
            # A process that setup.py forked comes by here, too; the slot is its parent's.
            if os.getpid() == owner:
                if keep:
                    open(path + KEPT, "wb").close()
                else:
                    remove(path)
                    with suppress(OSError):
                        os.truncate(path + LOCK, 0)


@contextmanager
def taken(path: str) -> Iterator[bool]:
    """Take the slot *path*, so that no build uses it meanwhile; yield whether it was free."""
    with ExitStack() as held:
        yield _lock_slot(path, held, create=False)


def remove_abandoned(temporary: str) -> list[str]:
    """Remove the private directories that killed builds of this user have left in *temporary*."""
    found = []
    for name in os.listdir(temporary):
        path = os.path.join(temporary, name)
        if name.startswith(private_prefix()) and not os.path.exists(path + KEPT):
            with suppress(OSError), ExitStack() as held:
                if _lock_directory(path, held):
                    remove(path)
                    found.append(path)
    return found


def _numbered(root: str, temporary: str, purpose: str, held: ExitStack) -> str | None:
    """Take the lowest free slot; ``None`` where there is no safe place or no lock for slots."""
    if own_home(temporary) is None:
        messages.tell(
            f"warning: {home(temporary)} is not owned by you with mode 0700; using a private "
            "temporary directory instead. Remove it, or point TMPDIR to another directory."
        )
        return None
    directory = directory_of(root, temporary)
    tenant = Tenant(os.getpid(), purpose, os.path.realpath(root))
    try:
        for number in count():
            path = os.path.join(directory, str(number))
            with ExitStack() as locks:
                if not os.path.exists(path + KEPT) and _take(path, locks):
                    held.enter_context(locks.pop_all())
                    tenant.sign(path)
                    return path
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
    return None  # ours, but it cannot be written (fakeroot), or cannot be locked


def _private(temporary: str, held: ExitStack) -> str:
    """Make a directory with a random name, where slots cannot be had."""
    remove_abandoned(temporary)
    path = tempfile.mkdtemp(prefix=private_prefix(), dir=temporary)
    os.chmod(path, 0o700)
    _lock_directory(path, held)
    return path


def _take(path: str, locks: ExitStack) -> bool:
    """Lock and empty the slot *path*, unless it is in use or what is in it resists."""
    if not _lock_slot(path, locks, create=True):
        return False
    if os.path.getsize(path + LOCK) and _is_used_by_a_survivor(path):
        return False
    remove(path)
    if os.path.lexists(path):
        return False
    _make_directory(path)
    return _lock_directory(path, locks) is not False


def _lock_slot(path: str, locks: ExitStack, *, create: bool) -> bool:
    """Lock the slot *path* for as long as *locks* is open; tell whether no other process has it.

    A build never removes a lock file, for another may have it open. A cleaner may: then the name
    is still claimed, the directory locked, and a lock on a file that is gone is none.
    """
    if not _claim(path, locks):
        return False
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | (os.O_CREAT if create else 0)
    while True:
        if create:
            _make_directory(os.path.dirname(path))
        lock = os.open(path + LOCK, flags, 0o600)
        locks.callback(os.close, lock)
        if not try_lock(lock):
            return False
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), os.stat(path + LOCK)):
                return not os.path.isdir(path) or _lock_directory(path, locks) is not False


def _claim(path: str, locks: ExitStack) -> bool:
    """Claim *path* by a name that no cleaner can remove; tell whether no other process has it.

    Linux frees the name of an abstract socket with the process, and those that it has forked.
    """
    if sys.platform != "linux":
        return True
    try:
        import _socket as socket  # the module socket takes longer to import than the lease takes

        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        locks.callback(claim.close)
        # The end of a long path: another path of the same end would only seem to be in use.
        claim.bind(b"\0isolated-backend" + os.fsencode(path)[-_LONGEST_NAME:])
    except (ImportError, OSError) as error:
        return getattr(error, "errno", None) != errno.EADDRINUSE
    return True


def _lock_directory(path: str, locks: ExitStack) -> bool | None:
    """Lock the directory *path*, too, which keeps systemd-tmpfiles out; ``None``: it cannot be."""
    if sys.platform == "win32":  # where a directory cannot be opened
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    locks.callback(os.close, descriptor)
    with suppress(OSError):
        return try_lock(descriptor)
    return None


def _is_used_by_a_survivor(path: str) -> bool:
    """Tell whether a process of a killed hook, a compiler perhaps, can still write to *path*."""
    wanted = os.fsencode(f"{SLOT_VARIABLE}={path}\0")
    with suppress(OSError):
        for name in os.listdir("/proc"):
            with suppress(OSError):
                if name.isdigit() and int(name) != os.getpid() and wanted in _environment(name):
                    return True
    return False


def _environment(pid: str) -> bytes:
    """Return the environment of the process *pid*; one that is just starting has none yet."""
    os.readlink(f"/proc/{pid}/exe")  # OSError: a thread of the kernel, which never has one
    for pause in (0, 0.001, 0.01, 0.05):
        time.sleep(pause)
        with open(f"/proc/{pid}/environ", "rb") as file:
            if found := file.read():
                return found
    return b""


def _make_directory(path: str) -> None:
    """Make the directory *path* with mode 0700, whatever the umask is, if it is not there."""
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)
        os.chmod(path, 0o700)
