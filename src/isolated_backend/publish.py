"""Put a finished artifact where the frontend wants it: whole or not at all.

It is copied to a new file with a hidden name in the output directory, and renamed when that is
complete. So it gets what a file gets that setuptools itself creates there: the group of a
set-group-id directory, a default access list, a label, the modes that vfat has for all.
"""

from __future__ import annotations

import glob
import os
import shutil
from contextlib import suppress

from .errors import PublishError
from .shadow.lock import try_lock

#: What the name of a file ends with until it is complete, in the output directory or the tree.
SUFFIX = ".isolated-backend-new"


def publish(made: str, directory: str) -> None:
    """Copy the artifact *made* into *directory*, in place of one of the same name."""
    name = os.path.basename(made)
    try:
        os.makedirs(directory, exist_ok=True)
        _remove_abandoned(directory)
        while not _copy(made, directory, name):
            pass  # before the copy was locked, another build has taken it for abandoned
    except OSError as error:
        raise PublishError(f"Cannot put {name} into {directory}: {error.strerror}.") from error


def _copy(made: str, directory: str, name: str) -> bool:
    """Copy *made* to *directory* with a hidden name and then *name*, unless it has disappeared."""
    # A random one: builds in two containers may have one process number.
    path = os.path.join(directory, f".{name}.{os.urandom(6).hex()}{SUFFIX}")
    try:
        with open(made, "rb") as source, open(path, "xb") as copy:
            with suppress(OSError):
                try_lock(copy.fileno())
            shutil.copyfileobj(source, copy, 1 << 20)
        with suppress(FileNotFoundError):
            os.replace(path, os.path.join(directory, name))  # closed, for Windows renames no other
            return True
    finally:
        with suppress(FileNotFoundError):
            os.unlink(path)
    return False


def _remove_abandoned(directory: str) -> None:
    """Remove what killed builds, of other versions too, have left in *directory*."""
    for path in glob.iglob(os.path.join(glob.escape(directory), f".*{SUFFIX}")):
        with suppress(OSError):
            with open(path, "rb+") as file:
                is_abandoned = try_lock(file.fileno())
            if is_abandoned:
                os.unlink(path)
