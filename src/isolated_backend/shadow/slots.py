"""Leasing a directory for one hook call.

``TMPDIR/isolated-backend.UID/PROJECT-HASH/N`` is a *slot*. Who builds takes the lowest free
``N``, and a lock that the kernel frees with the process guards it:

- A killed build leaves its slot to the next one, which wipes it: no sweeper is needed, and
  leftovers are bounded by the highest number of simultaneous builds there ever was.
- A build that runs alone always gets slot 0: a path that a compiler or a configure script
  writes into a binary is the same each time, and a compiler cache finds it again.

The dot in the names is there for a TMPDIR inside the project root: setuptools' package
discovery does not look into directories with a dot in their name.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import stat
import sys
import tempfile
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from ..errors import ShadowError
from .lock import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "isolated-backend."

#: What the name of a slot ends with in the name of the lock on it, and of the mark of a kept one.
LOCK, KEPT = ".lock", ".kept"

_LONGEST = 1 << 14  # bytes, of what is read of a lock file

_logger = logging.getLogger(__name__)


@contextmanager
def lease(root: str, temporary: str, *, purpose: str = "", keep: bool = False) -> Iterator[str]:
    """Lease an empty directory for one hook call on the project in *root*.

    Args:
        root: the project root.
        temporary: the directory for temporary files (:func:`temporary_directory`).
        purpose: the hook's name, for whoever asks what the directory is used for.
        keep: leave the directory as it is at the end, and do not lease it again.

    Yields:
        The directory's real path.

    Raises:
        ShadowError: the temporary directory cannot be used.
    """
    try:
        slot = _take_slot(root, temporary, purpose) or _Private(temporary)
    except OSError as error:
        raise ShadowError(
            f"Cannot make a directory to build in below {temporary}: "
            f"{error.strerror}. Free it, or point TMPDIR to a directory that can be written."
        ) from error
    owner = os.getpid()
    try:
        yield slot.path
    finally:
        # A process that setup.py forked comes by here, too; the slot is its parent's.
        if os.getpid() == owner:
            slot.give_back(keep=keep)


def temporary_directory() -> str:
    """Return the real path of the directory that the user wants temporary files in.

    :func:`tempfile.gettempdir` quietly goes elsewhere, even to the current directory, when
    TMPDIR does not work; a user who set it wants to know.

    Raises:
        ShadowError: TMPDIR (or TEMP, or TMP) names no directory that can be written.
    """
    for variable in ("TMPDIR", "TEMP", "TMP"):
        value = os.environ.get(variable)
        if not value:
            continue
        if not os.path.isdir(value):
            raise ShadowError(f"{variable}={value} is not a directory; create it or unset it.")
        effective = os.access in os.supports_effective_ids
        if not os.access(value, os.W_OK | os.X_OK, effective_ids=effective):
            raise ShadowError(
                f"{variable}={value} cannot be written; point it to a directory that can."
            )
        return os.path.realpath(value)
    return os.path.realpath(tempfile.gettempdir())


def home(temporary: str) -> str:
    """Return the path of the directory in *temporary* that holds all the slots of this user."""
    if sys.platform == "win32":
        import getpass

        user = getpass.getuser()
    else:
        user = str(os.getuid())
    return os.path.join(temporary, PREFIX + user)


def own_home(temporary: str) -> str | None:
    """Return what :func:`home` does, and make it; ``None`` if others can touch what is there.

    Raises:
        OSError: it cannot be made.
    """
    path = home(temporary)
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)
    return path if is_ours_alone(path) else None


def directory_of(root: str, temporary: str) -> str:
    """Return the path of the directory that holds the slots of the project in *root*."""
    real = os.path.realpath(root)
    name = re.sub(r"[^\w.-]+", "_", os.path.basename(real), flags=re.ASCII)[:32] or "root"
    # Two projects that should ever have one sum share their slots, and each build leases one.
    # A better digest is not worth importing hashlib, which takes as long as the lease.
    return os.path.join(home(temporary), f"{name}-{crc32(os.fsencode(real)):08x}")


class Tenant(NamedTuple):
    """Who has a slot, or had it: the lock file tells, but only the lock tells if it still does."""

    pid: int
    purpose: str
    root: str

    def sign(self, lock: int) -> None:
        """Write it to the lock file *lock*, just opened; a full disk is no reason to fail."""
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
    lock = _open_lock(path)
    try:
        yield try_lock(lock)
    finally:
        os.close(lock)


def _open_lock(path: str, flags: int = 0) -> int:
    """Open the file with the lock on the slot *path*.

    It is never removed: another build may have it open, and would lock what is not there any more.
    """
    return os.open(path + LOCK, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | flags, 0o600)


class _Slot:
    """A numbered directory and the lock on it."""

    def __init__(self, path: str, lock: int) -> None:
        self.path = path
        self._lock = lock

    def give_back(self, *, keep: bool) -> None:
        """Empty the directory and let others have it, or mark it as not to be had."""
        try:
            if keep:
                _touch(self.path + KEPT)
            else:
                remove(self.path)
                with suppress(OSError):
                    os.ftruncate(self._lock, 0)
        finally:
            # Closing frees the lock unless a child still has the descriptor. Unlocking would
            # free it for that child, too, which may be at work in the slot.
            os.close(self._lock)


class _Private:
    """A directory under a random name, for where slots cannot be had."""

    def __init__(self, temporary: str) -> None:
        self.path = tempfile.mkdtemp(prefix=PREFIX, dir=temporary)

    def give_back(self, *, keep: bool) -> None:
        """Remove the directory unless it is to be kept."""
        if not keep:
            remove(self.path)


def _take_slot(root: str, temporary: str, purpose: str) -> _Slot | None:
    """Take the lowest free slot; ``None`` where there is no safe place or no lock for slots."""
    if own_home(temporary) is None:
        _logger.warning(
            "isolated-backend: warning: %s is not a directory of this user's alone, so this build "
            "works in one with a random name. Remove it, or point TMPDIR to another directory.",
            home(temporary),
        )
        return None
    directory = directory_of(root, temporary)
    with suppress(FileExistsError):
        os.mkdir(directory, 0o700)
    for number in count():
        path = os.path.join(directory, str(number))
        if os.path.exists(path + KEPT):
            continue
        lock = _open_lock(path, os.O_CREAT)
        try:
            taken = try_lock(lock)
        except OSError:
            os.close(lock)
            _logger.debug("%s cannot be locked; building in a private directory.", directory)
            return None
        if taken and _emptied(path):
            Tenant(os.getpid(), purpose, os.path.realpath(root)).sign(lock)
            return _Slot(path, lock)
        os.close(lock)
    raise AssertionError("count() does not end")  # pragma: no cover


def is_ours_alone(path: str) -> bool:
    """Tell whether *path* is a real directory of this user's that nobody else can touch."""
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode):
        return False
    return sys.platform == "win32" or (
        found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077
    )


def _emptied(path: str) -> bool:
    """Make *path* an empty directory; ``False`` if what a killed build left resists."""
    remove(path)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return False
    return True


def remove(path: str) -> None:
    """Remove the tree at *path* as far as it can be removed."""
    shutil.rmtree(path, ignore_errors=True)
    if not os.path.lexists(path):
        return
    # Read-only sources are staged with their modes, and overlayfs makes a directory of mode 0.
    _let_in(path)
    for directory, directories, files in os.walk(path):
        for name in (*directories, *(files if sys.platform == "win32" else ())):
            _let_in(os.path.join(directory, name))
    shutil.rmtree(path, ignore_errors=True)


def empty(path: str) -> None:
    """Remove what is in the directory *path* as far as it can be removed."""
    for entry in list(os.scandir(path)):
        if entry.is_dir(follow_symlinks=False):
            remove(entry.path)
        else:
            with suppress(OSError):
                os.unlink(entry.path)


def _let_in(path: str) -> None:
    """Let this user change what is in *path*; where a symbolic link leads is not ours."""
    if not os.path.islink(path):
        with suppress(OSError):
            os.chmod(path, 0o700)


def _touch(path: str) -> None:
    """Create the empty file *path*."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
