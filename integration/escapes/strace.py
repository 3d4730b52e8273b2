"""Run a command under ``strace`` (Debian's package of that name)."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

#: Changes of a file system, and what it takes to know which file they are about: descriptors,
#: current directories, locks, mounts, and the processes that inherit them. A question mark lets
#: an architecture do without the call.
_CALLS = (
    "open openat openat2 creat mkdir mkdirat rename renameat renameat2 unlink unlinkat rmdir link "
    "linkat symlink symlinkat truncate mknod mknodat bind flock close close_range dup dup2 dup3 "
    "fcntl chdir fchdir clone clone3 fork vfork execve execveat mount unshare"
)

_OPTIONS = (
    "-f",  # every process that is started
    "-y",  # the path of each descriptor
    "--seccomp-bpf",  # other calls go at full speed
    *("-s", "4096"),
    *("-e", "signal=none"),
    *("-e", "trace=" + ",".join(f"?{name}" for name in _CALLS.split())),
)


def command(output: Path) -> list[str]:
    """Return the words to put before a command so that its calls are written to *output*."""
    return ["strace", *_OPTIONS, "-o", str(output)]


@functools.cache
def missing() -> str:
    """Return why nothing can be traced on this machine; empty if it can be."""
    if shutil.which("strace") is None:
        return "there is no strace (on Debian: apt-get install strace)"
    words = ["strace", *_OPTIONS, "-o", "/dev/null", "true"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return f"strace cannot trace here: {lines[0]}"
