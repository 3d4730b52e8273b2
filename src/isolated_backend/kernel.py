"""Calls of the Linux kernel that Python does not have."""

from __future__ import annotations

import ctypes
import os
import signal

# prctl(2), unshare(2), mount(2), capset(2), capabilities(7)
_PR_SET_PDEATHSIG, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 47, 2
CLONE_NEWNS, CLONE_NEWUSER = 1 << 17, 1 << 28
MS_BIND, MS_REC, MS_SLAVE = 1 << 12, 1 << 14, 1 << 19
CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def end_with(parent: int) -> None:
    """Have the kernel kill this process when *parent* ends; nothing would wait for it any more.

    "When the thread of *parent* ends that has started this process", to be exact: it is the one
    that waits for it. To be called again after the credentials have changed, because the kernel
    forgets it then.
    """
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL.value, 0, 0, 0))
    if os.getppid() != parent:  # it had ended before the kernel was asked
        os._exit(1)


def unshare(flags: int) -> None:
    """Leave the namespaces that *flags* name for new ones."""
    _checked(_libc.unshare(flags))


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """Mount *source*, a file system of *kind*, on the directory *target*."""
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    _checked(_libc.mount(*words, ctypes.c_ulong(flags), data.encode()))


def keep_capability(number: int | None) -> None:
    """Give up all capabilities but *number*, which programs that are started get, too."""
    kept = 0 if number is None else 1 << number
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(kept, kept, kept)
    _checked(_libc.capset(header, data))
    if number is not None:
        _checked(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number, 0, 0))


def _checked(result: int) -> None:
    """Raise the error of a call that has returned *result*."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
