"""Put a finished artifact where the frontend wants it: whole or not at all.

It is copied to a new file with a hidden name in the output directory, and renamed when that is
complete. So it gets what a file gets that setuptools itself creates there: the group of a
set-group-id directory, a default access list, a label, the modes that vfat has for all.
"""

from __future__ import annotations

import glob
import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from .errors import PublishError
from .shadow.lock import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What the name of a file ends with until it is complete, in the output directory or the tree.
SUFFIX = ".isolated-backend-new"


def publish(made: str, directory: str) -> None:
    """Copy the artifact *made* into *directory*, in place of one of the same name."""
    name = os.path.basename(made)
    try:
        os.makedirs(directory, exist_ok=True)
        _remove_abandoned(directory)
        with _hidden_file(directory, name) as (descriptor, path):
            with open(made, "rb") as source, open(descriptor, "wb", closefd=False) as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
            os.replace(path, os.path.join(directory, name))
    except OSError as error:
        raise PublishError(f"Cannot put {name} into {directory}: {error.strerror}.") from error


@contextmanager
def _hidden_file(directory: str, name: str) -> Iterator[tuple[int, str]]:
    """Open a new file, locked while it is open, and remove it if it still has that name then."""
    while True:
        # A random name: builds in two containers may have one process number.
        path = os.path.join(directory, f".{name}.{os.urandom(6).hex()}{SUFFIX}")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with suppress(OSError):
            try_lock(descriptor)
        if os.path.exists(path):
            break
        os.close(descriptor)  # before it was locked, another build took it for abandoned
    try:
        yield descriptor, path
    finally:
        os.close(descriptor)
        with suppress(FileNotFoundError):
            os.unlink(path)


def _remove_abandoned(directory: str) -> None:
    """Remove what killed builds, of other versions too, have left in *directory*."""
    for path in glob.iglob(os.path.join(glob.escape(directory), f".*{SUFFIX}")):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDWR)
            try:
                if try_lock(descriptor):
                    os.unlink(path)
            finally:
                os.close(descriptor)
