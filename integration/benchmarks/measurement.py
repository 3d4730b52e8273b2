"""What builds of a tree cost: seconds, processor seconds, and bytes at the peak."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .contestants import Backend, Contestant
from .environments import Environment, Environments
from .errors import BenchmarkError
from .scenario import Scenario
from .tasks import Site, Step, Task
from .trees import Checkout, Tree

_LAUNCHER = Path(__file__).with_name("launcher.py")

#: Nothing that is measured takes a quarter of this on a slow machine.
_TIMEOUT = 7200


@dataclass(frozen=True)
class Cost:
    """What processes cost.

    Attributes:
        wall: seconds from the start of the first to the end of the last.
        cpu: seconds of processor time, user and system, of all of them.
        memory: bytes that the greatest of them had at its peak.
    """

    wall: float
    cpu: float
    memory: int


@dataclass(frozen=True)
class Measurement:
    """Builds that were started at the same instant.

    Attributes:
        cost: of all of them together.
        steps: the cost of each process, by name, of a build that was alone.
        failed: how many of them made no artifact.
        error: what one that failed said last.
    """

    cost: Cost
    steps: dict[str, Cost] = field(default_factory=dict)
    failed: int = 0
    error: str = ""


class Bench:
    """Where measurements are taken.

    Args:
        environments: what to build in.
        work: a directory of this run.
        cache: the directory for what outlives it.
    """

    def __init__(self, environments: Environments, work: Path, cache: Path) -> None:
        self._environments = environments
        self._work = work
        self._cache = cache
        self._temporary = work / "tmp"
        self._temporary.mkdir()
        self._checkouts: dict[tuple[str, str], Checkout] = {}

    def measure(self, contestant: Contestant, scenario: Scenario) -> tuple[Measurement, list[Path]]:
        """Measure the builds of a scenario, and let the tree be as it was.

        Args:
            contestant: how to build.
            scenario: what to build, and how many at the same instant.

        Returns:
            The measurement, and the artifacts. They are there until the next measurement.

        Raises:
            BenchmarkError: what is needed is not there.
        """
        tree, task = scenario.tree, scenario.task
        checkout = self._checkout(tree, contestant.backend)
        place = self._work / "out"
        shutil.rmtree(place, ignore_errors=True)
        sites = [
            self._site(contestant, tree, task, place / str(n)) for n in range(scenario.at_once)
        ]
        jobs = [_Job.of(contestant, checkout, task, site) for site in sites]
        os.sync()  # what another one has written is not for this one to wait for
        try:
            answer = self._launch(jobs, self._environments.of(contestant.backend))
        finally:
            checkout.restore()
        costs = [
            {
                step.name: Cost(cost["wall"], cost["cpu"], cost["memory"])
                for step, cost in zip(job.steps, found, strict=False)
            }
            for job, found in zip(jobs, answer["jobs"], strict=True)
        ]
        steps = [cost for job in costs for cost in job.values()]
        errors = [
            self._last_line(job)
            for job, site, found in zip(jobs, sites, answer["jobs"], strict=True)
            if found[-1]["status"] != 0 or len(site.artifacts) != 1
        ]
        measurement = Measurement(
            Cost(
                answer["wall"],
                sum(cost.cpu for cost in steps),
                max(cost.memory for cost in steps),
            ),
            steps=costs[0] if scenario.at_once == 1 else {},
            failed=len(errors),
            error=(errors or [""])[0],
        )
        return measurement, [artifact for site in sites for artifact in site.artifacts]

    def _checkout(self, tree: Tree, backend: Backend) -> Checkout:
        key = tree.name, backend.name
        if key not in self._checkouts:
            self._checkouts[key] = tree.checkout(self._work / "trees", self._cache, backend)
        return self._checkouts[key]

    def _site(self, contestant: Contestant, tree: Tree, task: Task, out: Path) -> Site:
        out.mkdir(parents=True)
        environments = self._environments
        return Site(
            python=environments.of(contestant.backend).python,
            uv=environments.uv,
            cache=self._work / "uv",
            wheelhouse=environments.wheelhouse if task.isolated else out,
            backend=tree.build_backend(contestant.backend),
            out=out,
        )

    def _launch(self, jobs: list[_Job], environment: Environment) -> dict[str, Any]:
        launcher = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LAUNCHER)],
            env=environment.variables(self._temporary),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        request = {"jobs": [job.request() for job in jobs]}
        try:
            output, _ = launcher.communicate(json.dumps(request), timeout=_TIMEOUT)
        except BaseException as error:
            os.killpg(launcher.pid, signal.SIGKILL)
            launcher.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise BenchmarkError(f"a build did not end within {_TIMEOUT} s") from None
            raise
        if launcher.returncode != 0:
            raise BenchmarkError("the builds could not be started")
        answer: dict[str, Any] = json.loads(output)
        return answer

    def _last_line(self, job: _Job) -> str:
        text = job.log.read_text(errors="replace") if job.log.exists() else ""
        lines = text.strip().splitlines() or ["no artifact"]
        return lines[-1].replace(str(self._work), "…")[:200]


@dataclass(frozen=True)
class _Job:
    """A build: processes that follow each other, and a lock that they hold."""

    steps: list[Step]
    places: list[Path]  # where each of them runs
    lock: str
    log: Path

    @classmethod
    def of(cls, contestant: Contestant, checkout: Checkout, task: Task, site: Site) -> _Job:
        """Return the build that *contestant* makes at *site*."""
        steps, root, lock = task.steps(site), checkout.root, ""
        places = [root] * len(steps)
        if contestant.guard == "lock":
            lock = str(site.out.with_name("lock"))
        elif contestant.guard == "copy":
            copy = site.out / root.name
            steps = [Step("copy", ("cp", "-a", str(root), str(copy))), *steps]
            places = [site.out, *[copy] * len(places)]
        return cls(steps, places, lock, site.out / "log")

    def request(self) -> dict[str, object]:
        """Return what the launcher is asked for."""
        steps = [
            {"command": step.command, "cwd": str(place)}
            for step, place in zip(self.steps, self.places, strict=True)
        ]
        return {"lock": self.lock, "log": str(self.log), "steps": steps}
