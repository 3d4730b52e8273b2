"""Put a finished artifact where the frontend wants it: whole or not at all.

The artifact has been made in the shadow, so nothing half-written can be seen so far. On one file
system a single rename publishes it. Otherwise it is copied into a file without a name
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


def publish(made: str, directory: str) -> None:
    """Move the artifact *made* into *directory*, in place of one of the same name.

    Args:
        made: the path of the finished artifact, with the permissions that it is to have.
        directory: the frontend's ``sdist_directory`` or ``wheel_directory``; created if missing.

    Raises:
        PublishError: *directory* does not take it. What was there before is still there.
    """
    name = os.path.basename(made)
    target = os.path.join(directory, name)
    try:
        os.makedirs(directory, exist_ok=True)
        _remove_abandoned(directory)
        if _gives_access_of_its_own(directory, made):
            _copy_whole(made, target, mode=None)
            return
        mode = _with_group_of(directory, made)
        try:
            os.replace(made, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy_whole(made, target, mode)
    except OSError as error:
        raise PublishError(f"Cannot put {name} into {directory}: {error.strerror}.") from error


def _gives_access_of_its_own(directory: str, made: str) -> bool:
    """Tell whether a file that is created in *directory* has an access list or a label of its own.

    A file that is moved there keeps those that it was created with.
    """
    if not hasattr(os, "getxattr"):
        return False
    for path, attribute in (
        (directory, "system.posix_acl_default"),
        (made, "security.selinux"),
    ):
        with suppress(OSError):
            os.getxattr(path, attribute)
            return True
    return False


def _with_group_of(directory: str, made: str) -> int:
    """Give *made* the group that a set-group-id *directory* gives to new files; return its mode."""
    mode = stat.S_IMODE(os.stat(made).st_mode)
    found = os.stat(directory)
    if found.st_mode & stat.S_ISGID and hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(made, -1, found.st_gid)
            os.chmod(made, mode)
    return mode


def _copy_whole(made: str, target: str, mode: int | None) -> None:
    """Copy *made* to *target*, which appears complete or not at all, with *mode* if that is given.

    Without it, the directory decides.
    """
    try:
        with _nameless_file(os.path.dirname(target)) as copy:
            _fill(copy, made, mode)
            _name(copy, target)
    except _NotSupportedError:
        with _named_file(target) as (copy, name):
            _fill(copy, made, mode)
            os.replace(name, target)


class _NotSupportedError(Exception):
    """There are no files without a name on this system, or on this file system."""


@contextmanager
def _nameless_file(directory: str) -> Iterator[int]:
    """Open a file in *directory* that has no name, so that a kill leaves nothing."""
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir(_OPEN_FILES):
        raise _NotSupportedError
    try:
        descriptor = os.open(directory, os.O_TMPFILE | os.O_WRONLY, 0o666)
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
def _named_file(target: str) -> Iterator[tuple[int, str]]:
    """Open a new file beside *target*, and remove it if it is still there at the end."""
    while True:
        path = _new_name(target)
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


def _fill(descriptor: int, made: str, mode: int | None) -> None:
    """Write the bytes of *made* to *descriptor*, and give it *mode* and the same group."""
    with open(made, "rb") as source, open(descriptor, "wb", closefd=False) as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
        group = os.fstat(source.fileno()).st_gid
    if mode is not None and hasattr(os, "fchown"):
        with suppress(OSError):
            os.fchown(descriptor, -1, group)
        with suppress(OSError):  # vfat and some mounts refuse it; setuptools does not even ask
            os.fchmod(descriptor, mode)


def _name(descriptor: int, target: str) -> None:
    """Give the nameless file *descriptor* the name *target*.

    A link cannot replace a file. Where one is in the way, the file is linked under a passing
    name first, complete already; the lock on it tells the next build whether it was abandoned.
    """
    # Only with a directory's descriptor does os.link follow the link in /proc.
    descriptors = os.open(_OPEN_FILES, os.O_RDONLY)
    try:
        for path in (target, _new_name(target)):
            with suppress(FileExistsError):
                os.link(str(descriptor), path, src_dir_fd=descriptors, follow_symlinks=True)
                break
            with suppress(OSError):
                try_lock(descriptor)
        os.replace(path, target)
    finally:
        os.close(descriptors)


def _new_name(target: str) -> str:
    """Return a hidden name beside *target* that no other process uses, whatever its number is."""
    directory, name = os.path.split(target)
    return os.path.join(directory, f".{name}.{os.urandom(6).hex()}{_SUFFIX}")


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
