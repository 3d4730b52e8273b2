"""Start jobs at the same instant, wait for them, and tell what they cost.

Run as ``python -I -S launcher.py`` with a JSON object on standard input::

    {"jobs": [{"lock": PATH or "", "log": PATH, "steps": [{"command": [...], "cwd": PATH}]}]}

A job is a process that runs its steps one after the other, and holds an exclusive `flock` of
``lock`` meanwhile. It waits at a pipe until all the others are there; closing that releases them
together. The answer is ``{"wall": SECONDS, "jobs": [[{"status", "wall", "cpu", "memory"}]]}``.

This is a program of its own because it is small: a process that has been forked counts the memory
of the one that it comes from until it becomes another program, and the peak is what remains.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time

TYPE_CHECKING = False  # `typing` is not small
if TYPE_CHECKING:
    from typing import Any, NoReturn

#: ``ru_maxrss`` is in kilobytes on Linux, in bytes on macOS.
_MAXRSS = 1 if sys.platform == "darwin" else 1024


def main() -> None:
    """Do what standard input asks for."""
    jobs = json.load(sys.stdin)["jobs"]
    gate, release = os.pipe()
    arrivals, arrive = os.pipe()
    reports = {}
    for job in jobs:
        report, answer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(release)
            _work(job, gate, arrive, answer)
        os.close(answer)
        reports[child] = report
    os.close(arrive)
    missing = len(jobs)
    while missing:
        arrived = len(os.read(arrivals, missing))
        if not arrived:
            sys.exit("a job has not come to the start")
        missing -= arrived
    began = time.monotonic()
    os.close(release)
    for _ in jobs:
        os.wait()
    wall = time.monotonic() - began
    answers = []
    for report in reports.values():
        with open(report, encoding="utf-8") as file:
            answers.append(json.load(file))
    json.dump({"wall": wall, "jobs": answers}, sys.stdout)


def _work(job: dict[str, Any], gate: int, arrive: int, answer: int) -> NoReturn:
    """Be a job."""
    try:
        os.write(arrive, b".")
        os.close(arrive)
        os.read(gate, 1)
        if job["lock"]:
            # Given back by the end of the process.
            fcntl.flock(os.open(job["lock"], os.O_RDONLY | os.O_CREAT, 0o644), fcntl.LOCK_EX)
        costs = []
        for step in job["steps"]:
            costs.append(_run(step, job["log"]))
            if costs[-1]["status"] != 0:
                break
        os.write(answer, json.dumps(costs).encode())
    finally:
        os._exit(0)


def _run(step: dict[str, Any], log: str) -> dict[str, float]:
    """Run one program, and return what it cost with all that it started and waited for."""
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            os.chdir(step["cwd"])
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.execvp(step["command"][0], step["command"])
        finally:
            os._exit(127)
    _, status, usage = os.wait4(child, 0)
    return {
        "status": status,
        "wall": time.monotonic() - began,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss * _MAXRSS,
    }


if __name__ == "__main__":
    main()
