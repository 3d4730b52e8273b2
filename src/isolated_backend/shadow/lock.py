"""The kernel's lock on an open file, which it frees with the process."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _FAIL_IMMEDIATELY, _EXCLUSIVE = 1, 2  # LockFileEx
    _ERROR_LOCK_VIOLATION = 33

    class _Overlapped(ctypes.Structure):
        _fields_ = (
            ("internal", ctypes.c_void_p),
            ("internal_high", ctypes.c_void_p),
            ("offset", wintypes.DWORD),
            ("offset_high", wintypes.DWORD),
            ("event", wintypes.HANDLE),
        )

    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    # The byte is one that no file has: what is locked cannot be read by others.
    _BYTE = ctypes.byref(_Overlapped(offset_high=1 << 30))

    def try_lock(descriptor: int, *, shared: bool = False) -> bool:
        """Lock the file *descriptor* if it is free: see the other definition."""
        unlock(descriptor)  # or a shared lock would be in the way of one's own exclusive one
        handle = wintypes.HANDLE(msvcrt.get_osfhandle(descriptor))
        flags = _FAIL_IMMEDIATELY | (0 if shared else _EXCLUSIVE)
        if _kernel.LockFileEx(handle, flags, 0, 1, 0, _BYTE):
            return True
        error = ctypes.get_last_error()
        if error == _ERROR_LOCK_VIOLATION:
            return False
        raise ctypes.WinError(error)

    def unlock(descriptor: int) -> None:
        """Free the lock: see the other definition."""
        _kernel.UnlockFileEx(wintypes.HANDLE(msvcrt.get_osfhandle(descriptor)), 0, 1, 0, _BYTE)

else:
    import fcntl

    def try_lock(descriptor: int, *, shared: bool = False) -> bool:
        """Lock the file *descriptor* if it is free.

        Closing the last copy of the descriptor frees the lock; going from shared to exclusive lets
        go of the one first, whether it gets the other or not (flock(2)).

        Args:
            descriptor: an open file; it may be open for reading only.
            shared: with others who share it, instead of alone.

        Returns:
            Whether it is locked now.

        Raises:
            OSError: this file system has no locks.
        """
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(descriptor: int) -> None:
        """Free the lock, for the processes that have inherited the descriptor, too."""
        fcntl.flock(descriptor, fcntl.LOCK_UN)
