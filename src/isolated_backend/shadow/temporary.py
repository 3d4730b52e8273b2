"""Where slots are: ``TMPDIR/isolated-backend.UID/PROJECT-HASH``.

The dot in the name is there for a TMPDIR inside the project root: setuptools' package discovery
does not look into directories with a dot in their name.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from zlib import crc32

from ..errors import ShadowError

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "isolated-backend."

#: Where :mod:`tempfile` looks on POSIX before it takes the current directory.
_USUAL = ("/tmp", "/var/tmp", "/usr/tmp")


def temporary_directory() -> str:
    """Return the real path of the directory that the user wants temporary files in.

    :func:`tempfile.gettempdir` quietly goes elsewhere, even to the current directory, when TMPDIR
    does not work; a user who set it wants to know.
    """
    effective = os.access in os.supports_effective_ids  # and with the capabilities of the process
    for variable in ("TMPDIR", "TEMP", "TMP"):
        if value := os.environ.get(variable):
            can_write = os.access(value, os.W_OK | os.X_OK, effective_ids=effective)
            if can_write and os.path.isdir(value):
                return os.path.realpath(value)
            raise ShadowError(
                f"{variable}={value} is not a directory that can be written; "
                "point it to one, or unset it."
            )
    with suppress(FileNotFoundError):  # not even the current directory can be written
        found = tempfile.gettempdir()
        if found in _USUAL or os.path.abspath(found) != os.getcwd():
            return os.path.realpath(found)
    raise ShadowError(
        f"No directory for temporary files can be written ({', '.join(_USUAL)}); "
        "point TMPDIR to one that can."
    )


@contextmanager
def making_room(place: str) -> Iterator[None]:
    """Say what to do if a directory cannot be made below *place* while this is open."""
    try:
        yield
    except OSError as error:
        raise ShadowError(
            f"Cannot make a directory to build in below {place}: {error.strerror}. "
            "Free it, or point TMPDIR to a directory that can be written."
        ) from error


def home(temporary: str) -> str:
    """Return the path of the directory in *temporary* that holds all the slots of this user."""
    return os.path.join(temporary, PREFIX + _user())


def private_prefix() -> str:
    """Return what the names of this user's directories for a single build each begin with."""
    return f"{PREFIX}{_user()}."


def own_home(temporary: str) -> str | None:
    """Return what :func:`home` does, and make it; ``None`` if others can touch what is there."""
    path = home(temporary)
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)
    if is_ours_alone(path, others_may_not=0o022) and os.lstat(path).st_mode & 0o777 != 0o700:
        os.chmod(path, 0o700)  # by a umask that takes it from us, or lets others read
    return path if is_ours_alone(path) else None


def directory_of(root: str, temporary: str) -> str:
    """Return the path of the directory that holds the slots of the project in *root*."""
    real = os.path.realpath(root)
    name = re.sub(r"[^\w.-]+", "_", os.path.basename(real), flags=re.ASCII)[:32] or "root"
    # Two projects that should ever have one sum share their slots, and each build leases one.
    # A better digest is not worth importing hashlib, which takes as long as the lease.
    return os.path.join(home(temporary), f"{name}-{crc32(os.fsencode(real)):08x}")


def own_directory_of(root: str, temporary: str) -> str:
    """Return what :func:`directory_of` does, and make it, or raise an ``OSError``."""
    if own_home(temporary) is None:
        raise PermissionError(errno.EPERM, "others can change what is there", home(temporary))
    path = directory_of(root, temporary)
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


def _user() -> str:
    if sys.platform == "win32":
        import getpass

        return getpass.getuser()
    return str(os.getuid())


def is_ours_alone(path: str, *, others_may_not: int = 0o077) -> bool:
    """Tell whether *path* is a real directory of this user's, and lacks these modes for others."""
    found = os.lstat(path)
    return stat.S_ISDIR(found.st_mode) and (
        sys.platform == "win32"
        or (found.st_uid == os.geteuid() and not found.st_mode & others_may_not)
    )
