"""Give this process a tree of its own: namespaces, and an overlay over the root.

An ordinary user makes a user namespace for this, and keeps their ids in it. With CAP_SYS_ADMIN
there is none: to copy a file up keeps its owner, and in a user namespace that is impossible for
whoever is not mapped there (``EOVERFLOW``).
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from .. import kernel
from ..errors import PrivateTreeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Where the layers are in a slot. setuptools makes nothing of that name.
LAYERS = ".private-tree"

#: Where overlayfs keeps its notes, and the option for that: the first is for the superuser alone.
_NOTES = (("trusted.isolated-backend", ""), ("user.isolated-backend", ",userxattr"))


def lay_over(root: str, place: str, through: Sequence[str] = ()) -> None:
    """Give this process, which has to have a single thread, a private tree in *root*.

    What is written goes to *place*, a directory of this call's alone. The directories *through*
    are the real ones where they are in *root*. :class:`PrivateTreeError` says why there is none.
    """
    is_locked = not os.access(root, os.W_OK) and os.stat(root).st_uid == os.geteuid()
    found = (os.path.realpath(path) for path in through if os.path.isdir(path))
    # Sorted, so that one in another one is laid over that.
    through = sorted(path for path in found if path.startswith(os.path.join(root, "")))
    is_user = False
    with _refused("the kernel grants no namespace"):
        try:
            kernel.unshare(kernel.CLONE_NEWNS)
        except PermissionError:
            is_user = True
    if is_user:
        if path := _of_a_stranger(root, through) or _of_a_stranger(place):
            raise PrivateTreeError(
                f"{path} belongs to a user or a group that a user namespace does not know"
            )
        _new_user_namespace()
    with _refused("the kernel lets no mount be private"):
        kernel.mount(None, os.sep, None, kernel.MS_REC | kernel.MS_SLAVE)
    with _refused(f"the kernel lays no overlay with its upper layer in {place} over it"):
        # Below the overlay they could not be reached any more.
        real = {path: os.open(path, getattr(os, "O_PATH", os.O_RDONLY)) for path in through}
        _overlay(root, os.path.join(place, LAYERS))
        for path, descriptor in real.items():
            kernel.mount(f"/proc/self/fd/{descriptor}", path, None, kernel.MS_BIND | kernel.MS_REC)
            os.close(descriptor)
        os.chdir(root)
        if is_user:
            # A file that this user may not read could otherwise be read here. Only where they have
            # made their own tree read-only, they must be able to write to it.
            kernel.keep_capability(kernel.CAP_DAC_OVERRIDE if is_locked else None)
    # To git, the root is another file system than what is around it: look there nevertheless.
    os.environ.setdefault("GIT_DISCOVERY_ACROSS_FILESYSTEM", "1")


def _new_user_namespace() -> None:
    user, group = os.geteuid(), os.getegid()
    with _refused("the kernel grants no user namespace"):
        kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS)
        maps = {"setgroups": "deny", "uid_map": f"{user} {user} 1", "gid_map": f"{group} {group} 1"}
        for name, text in maps.items():
            with open(f"/proc/self/{name}", "wb") as file:
                file.write(text.encode())
    with _refused("what a capability lets this user read is out of reach in a user namespace"):
        os.stat(os.__file__)


def _overlay(root: str, layers: str) -> None:
    """Mount an overlay over *root* that keeps what is written in the new directory *layers*."""
    os.mkdir(layers)
    try:
        _overlay_from(root, layers)
    except OSError as error:
        # TMPDIR may be on a file system that cannot be an upper layer: another overlay, as in
        # containers. Memory can, and is given back with the last process.
        try:
            kernel.mount("tmpfs", layers, "tmpfs", 0, "mode=0700")
            _overlay_from(root, layers)
        except OSError:
            raise error from None


def _overlay_from(root: str, layers: str) -> None:
    upper, work = (os.path.join(layers, name) for name in ("upper", "work"))
    for path in (upper, work):
        os.makedirs(path, exist_ok=True)
    found = os.stat(root)  # the upper layer is seen in its place
    with suppress(OSError):
        os.chown(upper, found.st_uid, found.st_gid)
    shutil.copystat(root, upper)
    os.chmod(upper, found.st_mode & 0o7777 | 0o700)
    lower = os.open(root, getattr(os, "O_PATH", os.O_RDONLY))
    try:
        options = f"lowerdir=/proc/self/fd/{lower},upperdir=upper,workdir=work"
        options += _option_for_notes(upper)
        os.chdir(layers)  # no path among the options, which are few bytes and have commas
        try:
            # Else the end of the mount writes all of TMPDIR's file system to the disk.
            kernel.mount("overlay", root, "overlay", 0, options + ",volatile")
        except OSError:
            kernel.mount("overlay", root, "overlay", 0, options)  # before Linux 5.10
    finally:
        os.close(lower)


def _option_for_notes(upper: str) -> str:
    """Return the option with which overlayfs can make notes on files in the directory *upper*.

    Without them it would mount, but a removed directory could not be made again.
    """
    for name, option in _NOTES:
        with suppress(OSError):
            os.setxattr(upper, name, b"y")
            os.removexattr(upper, name)
            return option
    raise OSError(errno.EOPNOTSUPP, "it takes no extended attributes")


def _of_a_stranger(directory: str, without: Sequence[str] = ()) -> str | None:
    """Return a path in *directory* that could not be copied up: nobody here can be its owner."""
    user, group = os.geteuid(), os.getegid()
    for parent, inner, files in os.walk(directory):
        inner[:] = [name for name in inner if os.path.join(parent, name) not in without]
        for path in (parent, *(os.path.join(parent, name) for name in (*inner, *files))):
            with suppress(FileNotFoundError):
                found = os.lstat(path)
                if (found.st_uid, found.st_gid) != (user, group):
                    return path
    return None


@contextmanager
def _refused(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PrivateTreeError(f"{what} ({error.strerror})") from error
