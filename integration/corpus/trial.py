"""One trial: a project built by setuptools and by us, and all that comes out compared."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import filelock

from snapshot import snapshot

from . import backend, difference, environment, sdist
from .caller import NOT_WRAPPED
from .checkout import Checkout
from .errors import CorpusError
from .hook import Outcome, call
from .verdict import Artifact, Verdict

if TYPE_CHECKING:
    from .project import Project
    from .verdict import Results

PLAIN, OURS = "plain", "ours"

#: 1 March 2024: any fixed time that a ZIP file can hold.
_EPOCH = "1709251200"


class Source(Protocol):
    """What a project is built from."""

    @property
    def form(self) -> str:
        """What it is called."""

    @property
    def version(self) -> str:
        """The project's version."""

    def unpack(self, parent: Path) -> Path:
        """Put a fresh copy below *parent*, which is emptied before, and return its root."""


@dataclass
class Run:
    """What one hook did: its outcome, what it changed in the root, and how long it took."""

    outcome: Outcome
    changed: dict[str, object]
    seconds: float
    output: Path


@dataclass
class Trial:
    """The trial of one project.

    Args:
        project: the project.
        source: what to build from.
        cache: where environments and trees are made.
        slow: whether our backend is to take no shortcuts.
    """

    project: Project
    source: Source
    cache: Path
    slow: bool = False

    def __post_init__(self) -> None:
        self._name = f"{self.project.name}-{self.source.version}-{self.source.form}"
        self._place = self.cache / "work" / self._name
        shutil.rmtree(self._place, ignore_errors=True)
        self._temporary = self._place / "tmp"
        self._unpacked = self._place / "tree"
        self._backend = backend.read(self.source.unpack(self._unpacked))
        self._environment = self._environment_with(self._backend.requires)

    def complete(self, verdict: Verdict) -> None:
        """Carry the trial out and write down in *verdict* what it finds.

        Raises:
            CorpusError: there is nothing to compare.
        """
        if self._backend.is_own:
            verdict.own_backend = self._backend.name
            verdict.imported = list(self._run(PLAIN, "").changed)
        extra = self._compare_requirements(verdict)
        if extra:
            self._environment = self._environment_with((*self._backend.requires, *extra))
        self._compare_metadata(verdict)
        for kind in ("sdist", "wheel"):
            verdict.artifacts[kind] = self._compare_artifacts(kind, verdict)
        shutil.rmtree(self._unpacked, ignore_errors=True)

    def _environment_with(self, requirements: tuple[str, ...]) -> environment.Environment:
        return environment.create(self.cache / "environments" / self._name, requirements)

    def _compare_requirements(self, verdict: Verdict) -> list[str]:
        """Compare the answers of ``get_requires_for_build_*``; return setuptools'."""
        found: list[str] = []
        for kind in ("sdist", "wheel"):
            hook = f"get_requires_for_build_{kind}"
            plain, ours = self._both(hook, verdict)
            verdict.setuptools = plain.outcome.setuptools
            if plain.outcome.error:
                raise CorpusError(f"plain {hook} fails: {plain.outcome.error}")
            if ours.outcome.error:
                verdict.requires.append(f"our {hook} fails: {ours.outcome.error}")
            elif ours.outcome.result != plain.outcome.result:
                verdict.requires.append(
                    f"{hook}: {ours.outcome.result} instead of {plain.outcome.result}"
                )
            found += plain.outcome.result
        return found

    def _compare_metadata(self, verdict: Verdict) -> None:
        """Compare the ``.dist-info`` that ``prepare_metadata_for_build_wheel`` makes."""
        hook = "prepare_metadata_for_build_wheel"
        plain, ours = self._both(hook, verdict)
        if plain.outcome.error:
            return  # the wheel will tell
        if ours.outcome.error:
            verdict.requires.append(f"our {hook} fails: {ours.outcome.error}")
            return
        verdict.requires += [
            f"{hook}: {line}"
            for line in difference.between_trees(
                snapshot(plain.output / plain.outcome.result),
                snapshot(ours.output / ours.outcome.result),
            )
        ]

    def _compare_artifacts(self, kind: str, verdict: Verdict) -> Artifact:
        """Build the artifact of *kind* with both and compare the two."""
        hook = f"build_{kind}"
        plain, ours = self._both(hook, verdict)
        artifact = Artifact(seconds=[round(plain.seconds, 1), round(ours.seconds, 1)])
        if plain.outcome.error:
            artifact.state, artifact.error = "plain fails", plain.outcome.error
        elif ours.outcome.error:
            artifact.state, artifact.error = "fails", ours.outcome.error
        else:
            theirs, mine = _made(plain), _made(ours)
            artifact.differences = difference.between_artifacts(theirs, mine)
            if theirs.name != mine.name:
                artifact.differences.append(f"another name: {mine.name}")
            artifact.state = "differs" if artifact.differences else "identical"
        if artifact.state == "differs":
            artifact.repeatable = self._is_repeatable(hook, ours)
            again = self._run(PLAIN, hook, "-again")
            artifact.varies = difference.between_artifacts(_made(plain), _made(again))
            if artifact.differences == artifact.varies:
                artifact.state = "varies"
        return artifact

    def _is_repeatable(self, hook: str, first: Run) -> bool:
        """Tell whether another build of ours comes out the same.

        With SOURCE_DATE_EPOCH to the byte; without it, times of generated files are the build's.
        """
        again = self._run(OURS, hook, "-again")
        if again.outcome.error or difference.between_artifacts(_made(first), _made(again)):
            return False
        two = [self._run(OURS, hook, f"-{number}", SOURCE_DATE_EPOCH=_EPOCH) for number in (1, 2)]
        if any(run.outcome.error for run in two):
            return False
        one, other = map(_made, two)
        return one.read_bytes() == other.read_bytes()

    def _both(self, hook: str, verdict: Verdict) -> tuple[Run, Run]:
        """Call *hook* on setuptools' side and on ours, and compare what it did to the root.

        Raises:
            CorpusError: the project's own backend cannot be built with ours.
        """
        plain, ours = self._run(PLAIN, hook), self._run(OURS, hook)
        if ours.outcome.error.endswith(NOT_WRAPPED):
            raise CorpusError(f"its own backend {self._backend.name} does not wrap setuptools'")
        for path, left in ours.changed.items():
            verdict.changed[f"{hook}: {path}"] = path in plain.changed and (
                plain.changed[path] == left
            )
        return plain, ours

    def _run(self, side: str, hook: str, suffix: str = "", **variables: str) -> Run:
        """Call *hook* on a fresh tree, always at the same path."""
        root = self.source.unpack(self._unpacked)
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir()
        output = self._place / (side + suffix) / (hook or "import")
        output.mkdir(parents=True)
        arguments = {}
        if hook.startswith("build_"):
            arguments[f"{hook.removeprefix('build_')}_directory"] = str(output)
        elif hook.startswith("prepare_"):
            arguments["metadata_directory"] = str(output)
        before = snapshot(root)
        started = time.perf_counter()
        outcome = call(
            hook,
            backend=self._backend.ours if side == OURS else self._backend.name,
            path=self._backend.path,
            ours=side == OURS,
            slow=self.slow,
            root=root,
            environment=self._environment,
            variables=self._environment.variables(self._temporary, self._unpacked) | variables,
            arguments=arguments,
            log=output.with_suffix(".log"),
        )
        seconds = time.perf_counter() - started
        changed = difference.changed_paths(before, snapshot(root))
        return Run(outcome, changed, seconds, output)


def carry_out(
    project: Project,
    form: str,
    cache: Path,
    known: Results | None = None,
    *,
    slow: bool = False,
) -> Verdict:
    """Fetch *project*, try it, and return the verdict; what cannot be tried says why.

    Args:
        project: the project.
        form: ``sdist`` or ``checkout``.
        cache: where sdists, environments and trees are kept.
        known: earlier verdicts; one that still holds is returned instead.
        slow: whether our backend is to take no shortcuts.
    """
    verdict = Verdict(project.name, project.version, environment.source_digest(), form)
    cache.mkdir(parents=True, exist_ok=True)
    try:
        # Another run on the same cache works at the same paths.
        with filelock.FileLock(cache / f".{project.requirement}-{form}.lock"):
            fetched = sdist.fetch(project, cache)
            verdict.version = fetched.version
            earlier = known.find(verdict) if known else None
            if earlier is not None:
                return earlier.in_the_light_of(project)
            source: Source = fetched
            if form == Checkout.form:
                source = Checkout(project, fetched, cache / "checkouts" / fetched.path.name)
            Trial(project, source, cache, slow).complete(verdict)
    except CorpusError as error:
        verdict.skipped = str(error)
    return verdict.in_the_light_of(project)


def _made(run: Run) -> Path:
    return run.output / str(run.outcome.result)
