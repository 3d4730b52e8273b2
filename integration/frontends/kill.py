"""Run frontends at the same instant, each in a session of its own, and kill some on the way.

Nobody sleeps and hopes: who is to be killed is killed when something has happened that can be
seen, so many bytes of output or the so-manieth build that begins or ends in this session.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from .run import Command, Finished, run_at_once

_LOOK = 0.005
_GRACE = 60


@dataclass(frozen=True)
class Kill:
    """When to send which signal to the process group of a frontend.

    Attributes:
        sent: the signal.
        event: ``begins`` or ``ends`` for a build of this frontend, ``bytes`` for its output.
        number: which build, or how many bytes.
    """

    sent: signal.Signals
    event: str
    number: int

    @classmethod
    def draw(cls, source: random.Random) -> Kill:
        """Return one of many ways to be killed."""
        sent = source.choice([signal.SIGTERM, signal.SIGKILL])
        event = source.choice(["begins", "begins", "ends", "bytes"])
        return cls(sent, event, source.randrange(1, 200) if event == "bytes" else 1)

    def is_due(self, process: Popen[bytes], output: Path, builds: Path) -> bool:
        """Tell whether the time has come."""
        if self.event == "bytes":
            return output.stat().st_size >= self.number
        lines = builds.read_text().splitlines() if builds.exists() else []
        mine = [line for line in lines if line.startswith(f"{process.pid} {self.event} ")]
        return len(mine) >= self.number


def run_and_kill(
    commands: Mapping[str, Command], kills: Mapping[str, Kill], env: Mapping[str, str], logs: Path
) -> tuple[dict[str, Finished], set[str]]:
    """Start *commands* at the same instant, kill some, and wait until nothing of them is left.

    Returns:
        What became of each, and the names of those that were killed before they had ended.
    """
    killed: set[str] = set()

    def meanwhile(processes: list[Popen[bytes]]) -> None:
        killers = [
            threading.Thread(target=watch, args=(name, process, logs / f"{number}.log"))
            for number, (name, process) in enumerate(zip(commands, processes, strict=True))
            if name in kills
        ]
        for killer in killers:
            killer.start()
        for killer in killers:
            killer.join()

    def watch(name: str, process: Popen[bytes], output: Path) -> None:
        kill = kills[name]
        while not _has_ended(process):  # and is not waited for: the number stays its own
            if kill.is_due(process, output, Path(env["BUILDS"])):
                os.killpg(process.pid, kill.sent)
                killed.add(name)
                _outlast(process)
                return
            time.sleep(_LOOK)

    results = run_at_once(list(commands.values()), env, logs, meanwhile=meanwhile)
    return dict(zip(commands, results, strict=True)), killed


def _has_ended(process: Popen[bytes]) -> bool:
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _outlast(process: Popen[bytes]) -> None:
    """Wait until no process of the session is left; who takes no hint is killed, too."""
    deadline = time.monotonic() + _GRACE
    while left := _session(process.pid):
        if time.monotonic() > deadline:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK)


def _session(leader: int) -> list[int]:
    """Return the living processes of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session, *_ = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(session) == leader and state != "Z":
            found.append(int(path.parent.name))
    return found
