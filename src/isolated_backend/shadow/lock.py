"""The kernel's lock on an open file, which it frees with the process.

filelock shares no locks, and takes longer to import than a lease takes.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _FAIL_IMMEDIATELY, _EXCLUSIVE, _LOCK_VIOLATION = 1, 2, 33  # of LockFileEx

    class _Overlapped(ctypes.Structure):
        _fields_ = (
            ("internal", ctypes.c_void_p * 2),
            ("offset", wintypes.DWORD * 2),
            ("event", wintypes.HANDLE),
        )

    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    # The byte is one that no file has: what is locked cannot be read by others.
    _BYTE = ctypes.byref(_Overlapped(offset=(0, 1 << 30)))

    def try_lock(descriptor: int, *, shared: bool = False) -> bool:
        """Lock the file *descriptor* if it is free: see the other definition."""
        unlock(descriptor)  # or a shared lock would be in the way of one's own exclusive one
        handle = wintypes.HANDLE(msvcrt.get_osfhandle(descriptor))
        flags = _FAIL_IMMEDIATELY | (0 if shared else _EXCLUSIVE)
        if _kernel.LockFileEx(handle, flags, 0, 1, 0, _BYTE):
            return True
        if ctypes.get_last_error() == _LOCK_VIOLATION:
            return False
        raise ctypes.WinError(ctypes.get_last_error())

    def unlock(descriptor: int) -> None:
        """Free the lock: see the other definition."""
        _kernel.UnlockFileEx(wintypes.HANDLE(msvcrt.get_osfhandle(descriptor)), 0, 1, 0, _BYTE)

else:
    import fcntl

    def try_lock(descriptor: int, *, shared: bool = False) -> bool:
        """Lock the file *descriptor*, open for whatever, if it is free; tell whether it is locked.

        Closing the last copy of the descriptor frees the lock; going from shared to exclusive lets
        go of the one first, whether it gets the other or not (flock(2)). ``OSError``: this file
        system has no locks.
        """
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(descriptor: int) -> None:
        """Free the lock, for the processes that have inherited the descriptor, too."""
        fcntl.flock(descriptor, fcntl.LOCK_UN)
