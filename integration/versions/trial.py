"""The trial of one version of setuptools."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from backends import OURS, SAMPLES
from snapshot import snapshot
from trial import of_sample

from ..corpus import environment
from ..frontends import Command, contents, reference, run_at_once
from ..frontends import environment as shell
from ..projects import src_layout

#: How many builds of a checkout begin at the same instant, sdists and wheels in turn.
BUILDS = 8

#: Nothing of the environment that runs the trial is to be seen in the one that is tried.
NO_PATH = {"PYTHONPATH": ""}

BUILD = "import sys, {} as backend; getattr(backend, sys.argv[1])(sys.argv[2])"


@dataclass(frozen=True)
class Setuptools:
    """An environment with one version of setuptools, and with our backend.

    Args:
        place: where it is.
    """

    place: Path

    def prepare(self, version: str) -> None:
        """Make the environment.

        Args:
            version: which setuptools; empty for the newest.

        Raises:
            CorpusError: it cannot be made.
        """
        requirement = f"setuptools=={version}" if version else "setuptools"
        environment.create(self.place, [requirement, "pyproject-hooks"])

    @property
    def python(self) -> Path:
        """The interpreter."""
        return Path(environment.Environment(self.place).python)

    @property
    def version(self) -> str:
        """The version of setuptools that is installed."""
        script = "from importlib.metadata import version; print(version('setuptools'))"
        return self._run(script).strip()

    def _run(self, script: str) -> str:
        done = subprocess.run(
            [self.python, "-c", script],
            env=environment.Environment(self.place).variables(self.place, self.place),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


@dataclass
class Identity:
    """How what we make of the samples compares with what this setuptools makes."""

    hooks: int = 0
    """How many hooks were called, on all samples."""
    failures: dict[str, str] = field(default_factory=dict)
    """The hooks that fail with plain setuptools: ``sample: hook``, and why."""
    differences: list[str] = field(default_factory=list)


def identity(setuptools: Setuptools, place: Path, samples: Iterable[str] = ()) -> Identity:
    """Call every hook on the samples, with setuptools and with us.

    Args:
        setuptools: which.
        place: where to work.
        samples: their names; none for all.
    """
    found = Identity()
    for name in samples or sorted(path.name for path in SAMPLES.iterdir()):
        plain, differences = of_sample(name, place / name, str(setuptools.python), NO_PATH)
        found.hooks += len(plain.outcomes)
        found.failures |= {f"{name}: {hook}": why for hook, why in plain.failures.items()}
        found.differences += [f"{name}: {line}" for line in differences]
    return found


@dataclass
class Load:
    """What came of many builds of one checkout at the same instant."""

    failed: list[str] = field(default_factory=list)
    unlike: int = 0
    """How many artifacts are not what one build alone makes."""
    changed: set[str] = field(default_factory=set)
    """The paths in the root that are not as they were."""

    @property
    def is_clean(self) -> bool:
        """Whether all is as it should be."""
        return not (self.failed or self.unlike or self.changed)

    @property
    def collided(self) -> bool:
        """Whether a build was harmed by another."""
        return bool(self.failed or self.unlike)


def load(setuptools: Setuptools, backend: str, place: Path) -> Load:
    """Start :data:`BUILDS` builds of one checkout at the same instant.

    Args:
        setuptools: which.
        backend: the module to call.
        place: where to work; created.
    """
    root = src_layout(place / "crowded", OURS)
    right = reference(setuptools.python, root, place / "reference")
    before = snapshot(root)
    hooks = [("build_sdist", "build_wheel")[number % 2] for number in range(BUILDS)]
    commands = [
        Command(
            [str(setuptools.python), "-c", BUILD.format(backend), hook, str(place / str(number))],
            cwd=root,
        )
        for number, hook in enumerate(hooks)
    ]
    results = run_at_once(commands, shell(place / "temporary"), place / "logs")
    after = snapshot(root)
    unlike = 0
    for number, result in enumerate(results):
        made = contents(place / str(number)) if not result.status else {}
        unlike += any(right.members.get(name) != members for name, members in made.items())
    return Load(
        failed=[result.last_line for result in results if result.status],
        unlike=unlike,
        changed={
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        },
    )
