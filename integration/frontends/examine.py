"""What came of the frontends: artifacts, installations, and how many builds there were."""

from __future__ import annotations

import subprocess
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from artifacts import members
from snapshot import snapshot

from ..projects import WHEEL
from .catalogue import Job, Place, Tools
from .run import Command, Finished, Members, Reference, run_at_once

_WHERE = "import crowded, crowded.part00; print(crowded.__file__)"

_NOT_FROM_THE_WHEEL = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json"}


def builds(log: Path) -> Counter[str]:
    """Return how many artifacts were made, by the command of setuptools that makes them."""
    lines = log.read_text().splitlines() if log.exists() else []
    return Counter(line.split()[2] for line in lines if line.split()[1] == "ends")


@dataclass
class Examination:
    """One checkout, the frontends that are started on it, and all that was wrong afterwards.

    Attributes:
        tools: the frontends.
        python: the interpreter of an environment with our backend.
        root: the checkout.
        env: the variables for all frontends.
        right: what the artifacts are to hold.
        count: the builds so far.
        artifacts: the artifacts that were compared so far, by name.
        installations: the installations that were compared and run so far.
    """

    tools: Tools
    python: Path
    root: Path
    env: Mapping[str, str]
    right: Reference
    count: Counter[str] = field(default_factory=Counter)
    artifacts: Counter[str] = field(default_factory=Counter)
    installations: int = 0
    _known: dict[str, Members] = field(default_factory=dict)
    _own: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._known.update(self.right.members)
        self._before = snapshot(self.root)

    @property
    def total(self) -> int:
        """How many builds there were."""
        return self.count.total()

    @property
    def figures(self) -> str:
        """The totals, in words."""
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.count.items()))
        return (
            f"{self.total} builds ({kinds}), {self.artifacts.total()} artifacts compared, "
            f"{self.installations} installations compared and run"
        )

    def place(self, out: Path) -> Place:
        """Return where a frontend is started that writes into *out*, which is created."""
        out.mkdir(parents=True)
        return Place(self.tools, self.python, self.root, out, self.env)

    def start(self, frontends: Sequence[Callable[[Place], Job]], out: Path) -> list[str]:
        """Start all these frontends at the same instant; return all that is wrong afterwards.

        Args:
            frontends: what to start.
            out: a directory for what they write; is created.
        """
        jobs = []
        for number, frontend in enumerate(frontends):
            jobs.append(frontend(self.place(out / f"{number:02}-{frontend.__name__}")))
        log = Path(self.env["BUILDS"])
        log.unlink(missing_ok=True)

        commands = [command for job in jobs for command in job.commands]
        results = iter(run_at_once(commands, self.env, out / "logs"))

        counted = builds(log)
        self.count += counted
        wrong = []
        for frontend, job in zip(frontends, jobs, strict=True):
            ended = [(command, next(results)) for command in job.commands]
            wrong += [f"{frontend.__name__}: {reason}" for reason in self._wrong_with(job, ended)]
        if not wrong and counted != (expected := sum((job.builds for job in jobs), Counter())):
            wrong.append(f"builds: {counted} instead of {expected}")
        self._own.update(name for job in jobs for name in job.own)
        return wrong + self.changes()

    def changes(self) -> list[str]:
        """Return what has changed in the checkout, but for what frontends themselves write."""
        found = {
            name: value for name, value in snapshot(self.root).items() if name not in self._own
        }
        changed = [
            name for name in {*found, *self._before} if found.get(name) != self._before.get(name)
        ]
        return [f"changed in the checkout: {name}" for name in sorted(changed)]

    def _wrong_with(self, job: Job, ended: list[tuple[Command, Finished]]) -> list[str]:
        said = [
            f"{' '.join(command.words)}: status {result.status}\n{result.output[-3000:]}"
            for command, result in ended
        ]
        failed = [words for words, (_, result) in zip(said, ended, strict=True) if result.status]
        if failed:
            return failed
        wrong = []
        for directory in job.artifacts:
            wrong += self.wrong_artifacts(directory)
        for venv in job.installed:
            wrong += self.wrong_installation(venv)
        for venv in job.editable:
            wrong += self.wrong_installation(venv, editable=True)
        return ["\n".join([*wrong, *said])] if wrong else []

    def wrong_artifacts(self, directory: Path, *, may_be_empty: bool = False) -> list[str]:
        """Return what is wrong with the artifacts in *directory*: all of a name are equal."""
        paths = [path for path in sorted(directory.glob("*")) if path.name != ".gitignore"]
        wrong = [] if paths or may_be_empty else [f"no artifact in {directory}"]
        for path in paths:
            self.artifacts[path.name] += 1
            try:
                found = members(path)
            except Exception as error:  # whatever an incomplete archive makes of it
                wrong.append(f"{path} cannot be read: {error!r}")
                continue
            if found != self._known.setdefault(path.name, found):
                wrong.append(f"{path} differs: {set(found) ^ set(self._known[path.name])}")
        return wrong

    def wrong_installation(self, venv: Path, *, editable: bool = False) -> list[str]:
        """Return what is wrong with the project in *venv*, after importing it and running it."""
        self.installations += 1
        if not venv.is_dir():
            return [f"no environment in {venv}"]
        wrong = []
        env = {**self.env, "PYTHONDONTWRITEBYTECODE": "1"}
        for words, expected in (
            ([str(venv / "bin" / "crowded")], "crowded\n"),
            ([str(venv / "bin" / "python"), "-c", _WHERE], None),
        ):
            done = subprocess.run(
                words, cwd=venv, env=env, capture_output=True, text=True, check=False
            )
            if done.returncode or (expected and done.stdout != expected):
                wrong.append(f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
        if wrong:
            return wrong
        (site,) = venv.glob("lib/python3*/site-packages")
        if editable:
            if Path(done.stdout.strip()) != self.root / "src" / "crowded" / "__init__.py":
                wrong.append(f"imported from {done.stdout}")
        else:
            found = _hashes(site)
            if found != (expected_files := self._files_of_the_wheel()):
                wrong.append(f"{site} differs: {set(found.items()) ^ set(expected_files.items())}")
        return wrong

    def _files_of_the_wheel(self) -> dict[str, object]:
        return {
            str(name): digest
            for name, *_, digest in self.right.members[WHEEL]
            if Path(str(name)).name not in _NOT_FROM_THE_WHEEL
        }


def _hashes(site: Path) -> dict[str, object]:
    """Return the digests of the project's installed files, named as in a wheel."""
    packed = site.parent / "installed.whl"
    with zipfile.ZipFile(packed, "w") as archive:
        for directory in ("crowded", "crowded-1.0.dist-info"):
            for path in sorted((site / directory).rglob("*")):
                skipped = (
                    "__pycache__" in path.parts
                    or path.name in _NOT_FROM_THE_WHEEL
                    or path.match("uv_*.json")
                )
                if path.is_file() and not skipped:
                    archive.write(path, path.relative_to(site))
    found = {str(name): digest for name, *_, digest in members(packed)}
    packed.unlink()
    return found
