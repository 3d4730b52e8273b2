"""Two hosts on one machine: network namespaces with a cable between them, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

_NETWORK = "10.77.0"


@dataclass(frozen=True)
class Host:
    """A network namespace."""

    name: str
    address: str

    @property
    def prefix(self) -> list[str]:
        """What to put before a command that is to run there."""
        return ["ip", "netns", "exec", self.name]


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host]]:
    """Yield two hosts that reach each other, and nobody else.

    Skips the test where there can be none.
    """
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("two hosts need the superuser and the command ip (Debian's iproute2)")
    # One name is for one run, for namespaces are the machine's.
    run = f"isolated-{os.getpid()}"
    hosts = [Host(f"{run}-{number}", f"{_NETWORK}.{number}") for number in (1, 2)]
    with ExitStack() as taken:
        for host in hosts:
            done = subprocess.run(
                ["ip", "netns", "add", host.name], capture_output=True, text=True, check=False
            )
            if done.returncode:
                pytest.skip(f"no network namespaces here: {done.stderr.strip()}")
            taken.callback(_ip, "netns", "del", host.name)
        one, two = hosts
        cable = ["type", "veth", "peer", "name", "cable", "netns", two.name]
        _ip("link", "add", "cable", "netns", one.name, *cable)
        for host in hosts:
            _ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", "cable")
            for device in ("lo", "cable"):
                _ip("-n", host.name, "link", "set", device, "up")
        yield one, two


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
