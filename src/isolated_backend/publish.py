"""Put a finished artifact where the frontend wants it: whole or not at all.

The artifact has been made in the shadow, so nothing half-written can be seen so far. On one file
system a single rename publishes it. Across file systems it is copied into a file without a name
(``O_TMPFILE``), which vanishes with the process, and gets its name when it is complete.
"""

from __future__ import annotations

import errno
import glob
import os
import shutil
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from .errors import PublishError
from .shadow.lock import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUFFIX = ".isolated-backend-new"
_OPEN_FILES = "/proc/self/fd"


def publish(made: str, directory: str) -> str:
    """Move the artifact *made* into *directory*, in place of one of the same name.

    Args:
        made: the path of the finished artifact, with the permissions it is to have.
        directory: the frontend's ``sdist_directory`` or ``wheel_directory``; created if missing.

    Returns:
        The artifact's name, as the hook returns it.

    Raises:
        PublishError: *directory* does not take it. What was there before is still there.
    """
    name = os.path.basename(made)
    target = os.path.join(directory, name)
    try:
        os.makedirs(directory, exist_ok=True)
        _inherit_group(made, directory)
        _remove_abandoned(directory)
        try:
            os.replace(made, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy_whole(made, target)
    except OSError as error:
        raise PublishError(f"Cannot put {name} into {directory}: {error.strerror}.") from error
    return name


def _copy_whole(made: str, target: str) -> None:
    """Copy *made* to *target* on another file system; *target* appears complete or not at all."""
    try:
        with _nameless_file(os.path.dirname(target)) as copy:
            _fill(copy, made)
            _name(copy, target)
    except _NotSupportedError:
        with _named_file(_new_name(target)) as copy:
            _fill(copy, made)
            os.replace(_new_name(target), target)


class _NotSupportedError(Exception):
    """There are no files without a name on this system, or on this file system."""


@contextmanager
def _nameless_file(directory: str) -> Iterator[int]:
    """Open a file in *directory* that has no name, so that a kill leaves nothing."""
    if not hasattr(os, "O_TMPFILE"):
        raise _NotSupportedError
    try:
        descriptor = os.open(directory, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except OSError as error:
        # EISDIR and ENOENT: a kernel, EOPNOTSUPP: a file system that does not know the flag.
        if error.errno in (errno.EISDIR, errno.ENOENT, errno.EOPNOTSUPP):
            raise _NotSupportedError from error
        raise
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _named_file(path: str) -> Iterator[int]:
    """Open the new file *path*, and remove it if it is still there at the end."""
    descriptor = _created(path)
    while not os.path.exists(path):  # before it was locked, another build took it for abandoned
        os.close(descriptor)
        descriptor = _created(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
        with suppress(FileNotFoundError):
            os.unlink(path)


def _created(path: str) -> int:
    """Create the file *path* and lock it, where that is possible."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with suppress(OSError):
        try_lock(descriptor)
    return descriptor


def _fill(descriptor: int, made: str) -> None:
    """Write the bytes of *made* to *descriptor* and give it the same permissions and group."""
    with open(made, "rb") as source, open(descriptor, "wb", closefd=False) as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
        found = os.fstat(source.fileno())
    if hasattr(os, "fchown"):
        with suppress(OSError):
            os.fchown(descriptor, -1, found.st_gid)
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, stat.S_IMODE(found.st_mode))


def _name(descriptor: int, target: str) -> None:
    """Give the nameless file *descriptor* the name *target*.

    A link cannot replace a file. Where one is in the way, the file is linked under a passing
    name first, complete already; the lock on it tells the next build whether it was abandoned.
    """
    try:
        descriptors = os.open(_OPEN_FILES, os.O_RDONLY)
    except FileNotFoundError as error:  # no /proc here
        raise _NotSupportedError from error
    try:
        _link(descriptor, descriptors, target)
    except FileExistsError:
        with suppress(OSError):
            try_lock(descriptor)
        _link(descriptor, descriptors, _new_name(target))
        os.replace(_new_name(target), target)
    finally:
        os.close(descriptors)


def _link(descriptor: int, descriptors: int, path: str) -> None:
    """Link the file *descriptor* to *path*.

    Only with a directory's descriptor does :func:`os.link` follow the link in /proc.
    """
    os.link(str(descriptor), path, src_dir_fd=descriptors, follow_symlinks=True)


def _new_name(target: str) -> str:
    """Return a hidden name beside *target* that no other process uses."""
    directory, name = os.path.split(target)
    return os.path.join(directory, f".{name}.{os.getpid()}{_SUFFIX}")


def _remove_abandoned(directory: str) -> None:
    """Remove what builds that were killed while publishing may have left in *directory*.

    Whatever they were publishing: the next build may well have another version.
    """
    for path in glob.iglob(os.path.join(glob.escape(directory), f".*{_SUFFIX}")):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDWR)
            try:
                if try_lock(descriptor):
                    os.unlink(path)
            finally:
                os.close(descriptor)


def _inherit_group(made: str, directory: str) -> None:
    """Give *made* the group that a file created in *directory* gets (set-group-id directories)."""
    found = os.stat(directory)
    if found.st_mode & stat.S_ISGID and hasattr(os, "chown"):
        mode = stat.S_IMODE(os.stat(made).st_mode)
        with suppress(OSError):
            os.chown(made, -1, found.st_gid)
            os.chmod(made, mode)
