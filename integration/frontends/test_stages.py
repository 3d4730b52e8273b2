"""What all this began with: the stages of one pipeline, in one workspace, and some are aborted."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ..projects import SDIST
from .catalogue import Place, tox_command
from .conftest import Examine
from .examine import Examination, builds
from .kill import Kill, run_and_kill
from .run import OURS, PLAIN, Command, Finished, run

STAGES = ["sdist-a", "sdist-b", "wheel-a", "wheel-b", "editable-a"]
BUILD, REINSTALL = "build", "reinstall"

FILES = 40
FILES_OF_THE_CONTROL = 300
VICTIMS = 3

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("whole_machine")]

#: tox-uv takes a fraction of the time; the long runs have tox itself.
ROUNDS = pytest.mark.parametrize(
    ("program", "rounds"), [("tox-uv", 1), pytest.param("tox", 10, marks=pytest.mark.long)]
)

Figures = Callable[[str, object], None]


@dataclass
class Pipeline:
    """Five stages of tox, a build, and a reinstallation of what the build makes."""

    program: str
    place: Place
    examination: Examination
    killed_before: set[str] = field(default_factory=set)
    rounds: int = 0
    kills: int = 0

    def __post_init__(self) -> None:
        self.dist = self.place.out / "dist"
        self.venv = self.place.virtualenv()
        first = run([*self._build().words, str(self.place.root)], self.place.env)
        assert first.status == 0, first.output

    def turn(self, kills: dict[str, Kill]) -> list[str]:
        """Start all stages at the same instant; return what is wrong when they have ended.

        Args:
            kills: which to kill, and when.
        """
        self.rounds += 1
        log = Path(self.place.env["BUILDS"])
        log.unlink(missing_ok=True)
        logs = self.place.out / f"logs{self.rounds}"
        results, killed = run_and_kill(self._commands(), kills, self.place.env, logs)
        self.examination.count += builds(log)
        self.kills += len(killed)
        self.killed_before = killed
        return self._wrong(results, killed)

    def _wrong(self, results: dict[str, Finished], killed: set[str]) -> list[str]:
        wrong = [
            f"{name}: status {result.status}\n{result.output[-3000:]}"
            for name, result in results.items()
            if result.status and name not in killed
        ]
        wrong += self.examination.wrong_artifacts(self.dist)
        for name in STAGES:
            made = self._work(name) / ".pkg" / "dist"
            wrong += self.examination.wrong_artifacts(made, may_be_empty=name in killed)
        for name, venv in [
            *((name, self._work(name) / name) for name in STAGES),
            (REINSTALL, self.venv),
        ]:
            if not results[name].status:
                editable = name.startswith("editable")
                wrong += self.examination.wrong_installation(venv, editable=editable)
        return wrong + self.examination.changes()

    def _commands(self) -> dict[str, Command]:
        commands = {name: self._stage(name) for name in STAGES}
        return {**commands, BUILD: self._build(), REINSTALL: self._reinstall()}

    def _work(self, name: str) -> Path:
        return self.place.out / name

    def _stage(self, name: str) -> Command:
        """Return ``tox run``; what a killed one has left in its work directory is tox' own."""
        again = ["-r"] if name in self.killed_before else []
        return tox_command(self.program, self.place, name, self._work(name), "run", *again)

    def _build(self) -> Command:
        words = [self.place.tools["python"], "-m", "build", "--installer", "uv"]
        return Command([*words, "--outdir", str(self.dist)], cwd=self.place.root)

    def _reinstall(self) -> Command:
        if REINSTALL in self.killed_before:
            shutil.rmtree(self.venv)
            self.place.virtualenv()
        words = [self.place.tools["uv"], "pip", "install", "--reinstall", "-p", str(self.venv)]
        return Command([*words, str(self.dist / SDIST)])


@pytest.fixture
def pipeline(examine: Examine, tmp_path: Path) -> Callable[[str, str, int], Pipeline]:
    """Return what makes a pipeline for one tox, one backend and so many files."""

    def make(program: str, backend: str, files: int) -> Pipeline:
        examination = examine(backend, files)
        place = examination.place(tmp_path / "out")
        tools = place.tools
        tox = {"tox": tools.frontends, "tox-uv": tools.tox_uv}[program] / "tox"
        return Pipeline(str(tox), place, examination)

    return make


Make = Callable[[str, str, int], Pipeline]


@ROUNDS
def test_all_stages_in_one_workspace(
    program: str, rounds: int, pipeline: Make, record_property: Figures
) -> None:
    stages = pipeline(program, OURS, FILES)
    for _ in range(rounds):
        assert stages.turn({}) == []
    record_property("figures", f"{rounds} rounds: {stages.examination.figures}, 0 failures")


@ROUNDS
def test_stages_that_are_killed(
    program: str, rounds: int, pipeline: Make, record_property: Figures
) -> None:
    """In each round some stages are killed, the others succeed; in the next one all do."""
    stages = pipeline(program, OURS, FILES)
    for number in range(rounds):
        source = random.Random(number)
        victims = source.sample([*STAGES, BUILD, REINSTALL], VICTIMS)
        assert stages.turn({name: Kill.draw(source) for name in victims}) == []
        assert stages.turn({}) == []
    assert stages.kills
    record_property(
        "figures",
        f"{rounds} rounds, each followed by one without kills: {stages.kills} stages killed, "
        f"{stages.examination.figures}, 0 failures of the others",
    )


def test_plain_setuptools_collides_in_the_same_stages(
    pipeline: Make, record_property: Figures
) -> None:
    """The control: within a few rounds stages fail, or make something else."""
    stages = pipeline("tox-uv", PLAIN, FILES_OF_THE_CONTROL)
    for _ in range(5):
        wrong = stages.turn({})
        if collisions := [reason for reason in wrong if not reason.startswith("changed")]:
            break
    assert collisions
    record_property(
        "figures",
        f"{len(collisions)} collisions with plain setuptools in round {stages.rounds}; "
        f"the first: {collisions[0].splitlines()[-1][:200]}",
    )
