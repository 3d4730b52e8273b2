"""A claim on a path that outlasts the files there, and a look for those who still use it.

A cleaner of temporary files may remove a lock file, or all of a directory, while a build is at
work in it: locks on files tell nothing then. Linux has names that no cleaner can remove, and that
it frees with the process: those of abstract sockets.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import Any

#: The environment variable that tells a hook's child processes the slot of the hook.
SLOT_VARIABLE = "ISOLATED_BACKEND_SLOT"

_LONGEST = 80  # bytes of a path in the name of an abstract socket, which has 107 (unix(7))


def claim(path: str) -> Any:
    """Claim *path* for this process, and for the children that it forks.

    Returns:
        What holds the claim until it is closed; ``None`` where this system has no such claims.

    Raises:
        BlockingIOError: another process has it.
    """
    if sys.platform != "linux":
        return None
    held = None
    try:
        import _socket as socket  # the module socket takes longer to import than the lease takes

        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # The end of a long path: another path of the same end would only seem to be in use.
        held.bind(b"\0isolated-backend" + os.fsencode(path)[-_LONGEST:])
    except (ImportError, OSError) as error:
        if held is not None:
            held.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise BlockingIOError(errno.EADDRINUSE, "in use", path) from error
        return None
    return held


def is_used_by_a_survivor(path: str) -> bool:
    """Tell whether a process that a killed hook had started in the slot *path* is still alive.

    A compiler that goes on would write its object into the slot of the next build.
    """
    wanted = os.fsencode(f"{SLOT_VARIABLE}={path}\0")
    with suppress(OSError):
        for name in os.listdir("/proc"):
            with suppress(OSError):
                if name.isdigit() and int(name) != os.getpid():
                    with open(f"/proc/{name}/environ", "rb") as environment:
                        if wanted in environment.read():
                            return True
    return False
