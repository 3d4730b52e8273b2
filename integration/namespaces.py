"""Run a command with mounts that nobody else sees."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess

import pytest

_MOUNT_THEN_RUN = 'set -e; eval "$1"; shift; exec "$@"'

READ_ONLY = 'mount --bind "{0}" "{0}"; mount -o remount,bind,ro "{0}"'
SMALL_FILE_SYSTEM = 'mount -t tmpfs -o {1} tmpfs "{0}"'
TEMPORARY_FILE_SYSTEM = 'mount -t tmpfs tmpfs "{0}"'


def mounted(mounts: str, *more: str) -> list[str]:
    """Return the words to put before a command, so that it runs with *mounts*.

    Skips the test where the kernel allows no mount namespace.

    Args:
        mounts: shell commands that mount something.
        *more: further options for unshare(1).
    """
    unshare, reason = _unshare()
    if not unshare:
        pytest.skip(f"no private mounts here: {reason}")
    return [*unshare, *more, "sh", "-c", _MOUNT_THEN_RUN, "sh", mounts]


@functools.cache
def _unshare() -> tuple[list[str], str]:
    """Return the command that makes a mount namespace, or the reason why there is none."""
    if not shutil.which("unshare"):
        return [], "there is no unshare command"
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", *user, "--mount", "--propagation", "private"]
    done = subprocess.run(
        [*command, "sh", "-c", TEMPORARY_FILE_SYSTEM.format("/tmp")],
        capture_output=True,
        text=True,
        check=False,
    )
    return (command, "") if done.returncode == 0 else ([], done.stderr.strip())
