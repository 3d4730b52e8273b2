"""A file that gets new content whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def rewrite(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Give the file at *path* this *content*, in one step.

    Permissions, owner and extended attributes stay; a symbolic link is followed and stays, too.

    Args:
        path: the file; it need not exist yet.
        content: all that it is to hold.
        mode: the permissions of a new file, less the umask.

    Raises:
        OSError: it cannot be written; it is then what it was.
    """
    target = path.resolve()
    passing = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(passing, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            _take_after(target, passing)
        passing.replace(target)
    except BaseException:
        passing.unlink(missing_ok=True)
        raise


def _take_after(old: Path, new: Path) -> None:
    """Give the file *new* what *old* has besides its content and its times."""
    found = old.stat()
    if hasattr(os, "chown"):
        with suppress(PermissionError):  # it was another user's, and so will it not stay
            os.chown(new, found.st_uid, found.st_gid)
    written = new.stat()
    shutil.copystat(old, new)
    os.utime(new, ns=(written.st_atime_ns, written.st_mtime_ns))
