"""Which processes hold a tree, as far as the kernel tells."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def holders(descriptor: int | None) -> dict[int, bool]:
    """Return the processes that have locked the file *descriptor*, and whether for writing."""
    found, file = {}, _kernels_name(descriptor)
    with suppress(OSError), open("/proc/locks", encoding="ascii") as locks:
        for line in locks:
            words = line.split()  # "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF"
            if words[1] == "FLOCK" and words[5] == file:
                found[int(words[4])] = words[3] == "WRITE"
    return found


def locked_around(descriptor: int | None) -> str | None:
    """Return how a process that has started this one has locked the file *descriptor*, if one has.

    ``flock pyproject.toml python -m build`` does. Hooks of this backend do not count; they alone
    open that file with ``O_NONBLOCK``.
    """
    file = _kernels_name(descriptor)
    for pid in ancestors():
        with suppress(OSError):
            for number in os.listdir(f"/proc/{pid}/fdinfo"):
                with suppress(OSError), open(f"/proc/{pid}/fdinfo/{number}") as lines:
                    about = {words[0]: words for words in map(str.split, lines)}
                    lock, flags = about.get("lock:", []), int(about["flags:"][1], 8)
                    if "FLOCK" in lock and file in lock and not flags & os.O_NONBLOCK:
                        return lock[4]
    return None


def ancestors() -> list[int]:
    """Return this process, the one that has started it, and so on."""
    found = [os.getpid()]
    with suppress(OSError):
        while found[-1] > 1:
            with open(f"/proc/{found[-1]}/stat") as file:
                found.append(int(file.read().rpartition(")")[2].split()[1]))
    return found


def describe(pid: int) -> str:
    """Return the process *pid* with its command line, for a message."""
    with suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        words = file.read().replace(b"\0", b" ").decode(errors="replace").split()
        return f"process {pid} ({' '.join(words)[:120]})"
    return f"process {pid}"


def _kernels_name(descriptor: int | None) -> str:
    """Return what the kernel calls the file in its list of locks: device and inode."""
    if descriptor is None or sys.platform == "win32":
        return "unknown"
    found = os.fstat(descriptor)
    return f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
