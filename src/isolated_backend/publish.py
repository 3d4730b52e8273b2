"""Put a finished artifact where the frontend wants it: whole or not at all.

It is copied to a new file in the output directory, which gets its name when it is complete. So it
gets what a file gets that setuptools itself creates there: the group of a set-group-id directory, a
default access list, a label, the modes that vfat has for all. A kill leaves nothing of a file that
has no name yet; where there are no such files (``O_TMPFILE``), it has a hidden one.
"""

from __future__ import annotations

import glob
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from .errors import BackendError
from .shadow.lock import try_lock

if TYPE_CHECKING:
    from typing import IO

#: What the name of a file ends with until it is complete, in the output directory or the tree.
SUFFIX = ".isolated-backend-new"

_OPEN_FILES = "/proc/self/fd"


def publish(made: str, directory: str) -> None:
    """Copy the artifact *made* into *directory*, in place of one of the same name."""
    name = os.path.basename(made)
    try:
        os.makedirs(directory, exist_ok=True)
        _remove_abandoned(directory)
        while not _copy(made, directory, name):
            pass  # before the copy was locked, another build has taken it for abandoned
    except OSError as error:
        raise BackendError(f"Cannot put {name} into {directory}: {error.strerror}.") from error


def _copy(made: str, directory: str, name: str) -> bool:
    """Copy *made* to *directory* and then give it its *name*, unless it has disappeared."""
    # A random one: builds in two containers may have one process number.
    path = os.path.join(directory, f".{name}.{os.urandom(6).hex()}{SUFFIX}")
    try:
        with open(made, "rb") as source, _new_file(directory, path) as copy:
            with suppress(OSError):
                try_lock(copy.fileno())
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            with suppress(FileExistsError, FileNotFoundError):  # it has had a name
                _link(copy.fileno(), path)
        with suppress(FileNotFoundError):
            os.replace(path, os.path.join(directory, name))  # closed, for Windows renames no other
            return True
    finally:
        with suppress(FileNotFoundError):
            os.unlink(path)
    return False


def _new_file(directory: str, path: str) -> IO[bytes]:
    """Create a file in *directory* without a name, or else with the name *path*."""
    if hasattr(os, "O_TMPFILE") and os.path.isdir(_OPEN_FILES):
        with suppress(OSError):  # not on this file system
            return open(os.open(directory, os.O_TMPFILE | os.O_WRONLY, 0o666), "wb")
    return open(path, "xb")


def _link(descriptor: int, path: str) -> None:
    """Give the file *descriptor* the name *path*."""
    # Only with a directory's descriptor does os.link follow the link in /proc.
    files = os.open(_OPEN_FILES, os.O_RDONLY)
    try:
        os.link(str(descriptor), path, src_dir_fd=files, follow_symlinks=True)
    finally:
        os.close(files)


def _remove_abandoned(directory: str) -> None:
    """Remove what killed builds, of other versions too, have left in *directory*."""
    for path in glob.iglob(os.path.join(glob.escape(directory), f".*{SUFFIX}")):
        with suppress(OSError):
            with open(path, "rb+") as file:
                is_abandoned = try_lock(file.fileno())
            if is_abandoned:
                os.unlink(path)
