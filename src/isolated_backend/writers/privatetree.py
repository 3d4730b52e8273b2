"""A private tree: the project root as one hook alone sees it, where its writes are nobody else's.

What a project's own code writes into its tree, through setuptools, an extension module or a
child process, cannot be redirected by replacing functions. The kernel can: the hook runs in a
child process with a mount namespace of its own, in which a file system that copies on write
(overlayfs) lies over the root. The root is its lower layer, which is only read; the upper one is
in this call's slot. Any number of hooks write at once, nothing of it is seen outside, and a root
that cannot be written builds.

An ordinary user makes a user namespace for this, and keeps their ids in it. With CAP_SYS_ADMIN
there is none: to copy a file up keeps its owner, and in a user namespace that is impossible for
whoever is not mapped there (``EOVERFLOW``).
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from .. import child
from ..errors import PrivateTreeError, causes
from ..shadow import slots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    T = TypeVar("T")

# mount(2), unshare(2), capset(2), prctl(2), capabilities(7)
_MS_BIND, _MS_REC, _MS_SLAVE = 1 << 12, 1 << 14, 1 << 19
_CLONE_NEWNS, _CLONE_NEWUSER = 1 << 17, 1 << 28
_CAPABILITY_VERSION_3 = 0x20080522
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAP_DAC_OVERRIDE = 1

#: Where the layers are in a slot. setuptools makes nothing of that name.
LAYERS = ".private-tree"

#: Where overlayfs keeps its notes, and the option for that: the first is for the superuser alone.
_NOTES = (("trusted.isolated-backend", ""), ("user.isolated-backend", ",userxattr"))


def run(function: Callable[[], T], root: str, place: str, through: Sequence[str] = ()) -> T:
    """Call *function* in a child process to which the tree in *root* is its own.

    Args:
        function: what to call; its current directory is *root*.
        root: the project root.
        place: a directory of this call's alone, for what is written.
        through: directories that are to be the real ones where they are in *root*.

    Returns:
        What *function* returns.

    Raises:
        PrivateTreeError: there is no private tree here, and why. If *function* has been called
            nevertheless, nothing that it did to the tree has remained.
        BaseException: what *function* raises (:func:`isolated_backend.child.call`).
    """
    if sys.platform != "linux":
        raise PrivateTreeError("this system is not Linux")
    try:
        child.libc()  # once, for all the children
    except ImportError as error:
        raise PrivateTreeError("this Python has no ctypes") from error
    inner = root if root == os.sep else _mount_below(root)
    if inner is not None:
        raise PrivateTreeError(f"there is another mount in it, {inner}")
    caller = os.getpid()

    def inside() -> T:
        _enter(root, place, through)
        child.end_with(caller)
        return function()

    try:
        return child.call(inside)
    except child.NoChildError as error:
        raise PrivateTreeError(str(error)) from error
    except (Exception, SystemExit) as error:
        overflow = any(getattr(each, "errno", None) == errno.EOVERFLOW for each in causes(error))
        # Cython hides the reason, and so does a child process: then the tree has to tell.
        hidden = os.geteuid() != 0 and not isinstance(error, PrivateTreeError)
        if overflow or (hidden and _has_unknown_owner(root)):
            raise PrivateTreeError(
                f"some of {root} belongs to users or groups that a user namespace does not know"
            ) from error
        raise


def obstacle(temporary: str) -> str | None:
    """Return why there are no private trees on this machine; ``None`` if there are.

    Args:
        temporary: the directory for temporary files, which is tried with a tree that is made there.
    """
    with slots.lease(temporary, temporary, purpose="check") as place:
        root = os.path.join(place, "root")
        os.mkdir(root)
        try:
            run(lambda: os.mkdir(os.path.join(root, "new")), root, place)
        except PrivateTreeError as error:
            return str(error)
    return None


def _mount_below(root: str) -> str | None:
    """Return a directory in *root* where something is mounted, which an overlay would hide."""
    prefix = os.fsencode(os.path.join(root, ""))
    with suppress(OSError), open("/proc/self/mountinfo", "rb") as mounts:
        for line in mounts:
            point = line.split()[4]
            if b"\\" in point:
                point = re.sub(rb"\\(\d{3})", lambda found: bytes([int(found[1], 8)]), point)
            if point.startswith(prefix):
                return os.fsdecode(point)
    return None


# --- in the child -------------------------------------------------------------------------------


def _enter(root: str, place: str, through: Sequence[str]) -> None:
    """Give this process a private tree in *root*; it has to have a single thread.

    Raises:
        PrivateTreeError: there is none, and why.
    """
    is_locked = not os.access(root, os.W_OK) and os.stat(root).st_uid == os.geteuid()
    owners = [_owner(path) for path in (root, place)]
    is_user = _new_namespaces()
    if owners != [_owner(path) for path in (root, place)]:
        raise PrivateTreeError(
            "it belongs to a user or a group that a user namespace does not know"
        )
    with _refused("the kernel lets no mount be private"):
        _mount(None, os.sep, None, _MS_REC | _MS_SLAVE)
    with _refused(f"the kernel lays no overlay with its upper layer in {place} over it"):
        # Below the overlay they could not be reached any more.
        real = {path: os.open(path, os.O_PATH) for path in _inside(through, root)}
        _overlay(root, os.path.join(place, LAYERS))
        for path, descriptor in real.items():
            _mount(_by_descriptor(descriptor), path, None, _MS_BIND | _MS_REC)
            os.close(descriptor)
        os.chdir(root)
        if is_user:
            _keep_capability(_CAP_DAC_OVERRIDE if is_locked else None)
    # To git, the root is another file system than what is around it: look there nevertheless.
    os.environ.setdefault("GIT_DISCOVERY_ACROSS_FILESYSTEM", "1")


def _has_unknown_owner(root: str) -> bool:
    """Tell whether something in *root* is of another user or group than this process."""
    known = (os.geteuid(), os.getegid())
    for directory, directories, files in os.walk(root):
        for name in (*directories, *files):
            found = os.lstat(os.path.join(directory, name))
            if (found.st_uid, found.st_gid) != known:
                return True
    return False


def _new_namespaces() -> bool:
    """Give this process mounts of its own; tell whether that took a user namespace."""
    with _refused("the kernel grants no namespace"), suppress(PermissionError):
        _unshare(_CLONE_NEWNS)
        return False
    user, group = os.geteuid(), os.getegid()
    with _refused("the kernel grants no user namespace"):
        _unshare(_CLONE_NEWUSER | _CLONE_NEWNS)
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "wb") as file:
                file.write(text.encode())
    with _refused("what a capability lets this user read is out of reach in a user namespace"):
        os.stat(os.__file__)
    return True


def _overlay(root: str, layers: str) -> None:
    """Mount an overlay over *root* that keeps what is written in the new directory *layers*.

    Raises:
        OSError: the kernel refuses it.
    """
    os.mkdir(layers)
    try:
        _overlay_from(root, layers)
    except OSError as error:
        # TMPDIR may be on a file system that cannot be an upper layer: another overlay, as in
        # containers. Memory can, and is given back with the last process.
        try:
            _mount("tmpfs", layers, "tmpfs", 0, "mode=0700")
            _overlay_from(root, layers)
        except OSError:
            raise error from None


def _overlay_from(root: str, layers: str) -> None:
    upper, work = (os.path.join(layers, name) for name in ("upper", "work"))
    for path in (upper, work):
        os.makedirs(path, exist_ok=True)
    _make_like(upper, root)
    lower = os.open(root, os.O_PATH)
    try:
        options = f"lowerdir={_by_descriptor(lower)},upperdir=upper,workdir=work"
        options += _option_for_notes(upper)
        os.chdir(layers)  # no path among the options, which are few bytes and have commas
        try:
            # Else the end of the mount writes all of TMPDIR's file system to the disk.
            _mount("overlay", root, "overlay", 0, options + ",volatile")
        except OSError:
            _mount("overlay", root, "overlay", 0, options)  # before Linux 5.10
    finally:
        os.close(lower)


def _make_like(upper: str, root: str) -> None:
    """Give the directory *upper*, which is to be seen in its place, what *root* has."""
    found = os.stat(root)
    with suppress(OSError):
        os.chown(upper, found.st_uid, found.st_gid)
    shutil.copystat(root, upper)
    os.chmod(upper, found.st_mode & 0o7777 | 0o700)


def _option_for_notes(upper: str) -> str:
    """Return the option with which overlayfs can make notes on files in the directory *upper*.

    Without them it would mount, but a directory of the root that is removed could not be made
    again.

    Raises:
        OSError: it cannot make any.
    """
    for name, option in _NOTES:
        with suppress(OSError):
            os.setxattr(upper, name, b"y")
            os.removexattr(upper, name)
            return option
    raise OSError(errno.EOPNOTSUPP, "it takes no extended attributes")


def _keep_capability(number: int | None) -> None:
    """Give up all that a user namespace allows its user, but the capability *number*.

    A file that they may not read they could otherwise read here. Only where they have made their
    own tree read-only, they must be able to write to it.
    """
    import ctypes

    kept = 0 if number is None else 1 << number
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(kept, kept, kept)
    _checked(child.libc().capset(header, data))
    if number is not None:
        _checked(child.libc().prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number, 0, 0))


def _inside(paths: Sequence[str], root: str) -> list[str]:
    """Return those of the directories *paths* that are in *root*, without those in another one."""
    found: list[str] = []
    for path in sorted({os.path.realpath(path) for path in paths}):
        is_in = path.startswith(os.path.join(root, "")) and os.path.isdir(path)
        if is_in and not path.startswith(tuple(os.path.join(other, "") for other in found)):
            found.append(path)
    return found


def _owner(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_uid, found.st_gid


def _by_descriptor(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


@contextmanager
def _refused(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PrivateTreeError(f"{what} ({error.strerror})") from error


# --- the kernel's calls -------------------------------------------------------------------------


def _unshare(flags: int) -> None:
    _checked(child.libc().unshare(flags))


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    import ctypes

    _checked(child.libc().mount(*words, ctypes.c_ulong(flags), data.encode()))


def _checked(result: int) -> None:
    """Raise the error of a call of the kernel that has returned *result*."""
    if result != 0:
        import ctypes

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
