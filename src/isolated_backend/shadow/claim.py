"""A claim on a path that outlasts the files there, and a look for those who still use it.

A cleaner of temporary files may remove a lock file, or all of a directory, while a build is at
work in it: locks on files tell nothing then. The kernel has names that no cleaner can remove, and
frees them with the process: Linux' abstract sockets.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import Any

#: The environment variable that tells a hook's child processes the slot of the hook.
SLOT_VARIABLE = "ISOLATED_BACKEND_SLOT"

#: The longest name of an abstract socket, with some to spare (unix(7)).
_LONGEST = 100


def claim(path: str) -> Any:
    """Claim *path* for this process, and for the children that it forks.

    Returns:
        What holds the claim until it is closed; ``None`` where this system has no such claims.

    Raises:
        BlockingIOError: another process has it.
    """
    if sys.platform != "linux":
        return None
    try:
        import _socket as socket  # the module socket takes longer to import than the lease takes

        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    except (ImportError, OSError):
        return None
    try:
        # The end of a long path: another path of the same end would only seem to be in use.
        held.bind(b"\0isolated-backend" + os.fsencode(path)[-_LONGEST + 17 :])
    except OSError as error:
        held.close()
        if error.errno == errno.EADDRINUSE:
            raise BlockingIOError(error.errno, error.strerror, path) from error
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
