"""What a trial found, and where it is kept between two runs."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .project import is_own_write

if TYPE_CHECKING:
    from .project import Project


@dataclass
class Artifact:
    """How our sdist or wheel compares with setuptools'."""

    state: str = ""
    """``identical``, ``differs``, ``varies`` (no more than two builds by setuptools do), ``fails``
    (ours alone) or ``plain fails``."""
    differences: list[str] = field(default_factory=list)
    repeatable: bool | None = None
    """Of one that differs: whether a second build of ours is the same to the byte."""
    varies: list[str] = field(default_factory=list)
    """Of one that differs: how two builds by setuptools do."""
    error: str = ""
    seconds: list[float] = field(default_factory=list)
    """How long setuptools and we took."""


@dataclass
class Verdict:
    """The result of one trial."""

    project: str
    version: str = ""
    source: str = ""
    """The digest of our code that it is about."""
    form: str = "sdist"
    """What was built from: the unpacked ``sdist``, or a git ``checkout`` made of it."""
    setuptools: str = ""
    skipped: str = ""
    """Why nothing was compared; empty if it was."""
    own_backend: str = ""
    requires: list[str] = field(default_factory=list)
    """How the answers of ``get_requires_for_build_*`` and the metadata differ."""
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    changed: dict[str, bool] = field(default_factory=dict)
    """What changes in the root under our backend: ``hook: path``, and whether setuptools leaves
    just the same there."""
    imported: list[str] = field(default_factory=list)
    """What the import of the project's own backend writes, before a hook is called."""
    writes: list[str] = field(default_factory=list)
    """Patterns of the paths that the project's own code is known to write."""
    because: str = ""
    """Why a difference is known not to be ours to mend."""

    @property
    def written(self) -> list[str]:
        """The project's own writes into the root."""
        return [path for path in self._changed_paths() if self._is_own(path)]

    @property
    def leaked(self) -> list[str]:
        """Other changes of the root under our backend: there must be none."""
        return [path for path in self._changed_paths() if not self._is_own(path)]

    @property
    def unlike(self) -> list[str]:
        """What came out otherwise than under setuptools."""
        return [change for change, same in self.changed.items() if not same]

    def _is_own(self, path: str) -> bool:
        return path in self.imported or is_own_write(path, self.writes)

    def in_the_light_of(self, project: Project) -> Verdict:
        """Return the verdict with what is known about *project* by now."""
        return replace(self, writes=list(project.writes), because=project.because)

    def _changed_paths(self) -> list[str]:
        return sorted({change.partition(": ")[2] for change in self.changed})

    @property
    def counts(self) -> bool:
        """Whether the project says something: its plain builds succeed."""
        states = {artifact.state for artifact in self.artifacts.values()}
        return not self.skipped and "plain fails" not in states

    @property
    def is_perfect(self) -> bool:
        """Whether there is no difference that setuptools' own builds do not show."""
        states = {artifact.state for artifact in self.artifacts.values()}
        return (
            self.counts
            and states <= {"identical", "varies"}
            and not (self.requires or self.leaked or self.unlike)
        )

    @property
    def is_fault(self) -> bool:
        """Whether there is a difference that is not explained, or one that changes."""
        if not self.counts or self.is_perfect:
            return False
        explained = all(
            artifact.state in ("identical", "varies")
            or (artifact.state == "differs" and artifact.repeatable and self.because)
            for artifact in self.artifacts.values()
        )
        return bool(not explained or self.requires or self.leaked or self.unlike)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Verdict:
        """Return the verdict that :func:`dataclasses.asdict` made *record* of."""
        artifacts = {kind: Artifact(**artifact) for kind, artifact in record["artifacts"].items()}
        return cls(**(record | {"artifacts": artifacts}))


class Results:
    """The verdicts of a run, in a file that is complete at any moment.

    Args:
        path: the file; read if it exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._records: dict[str, dict[str, Any]] = {}
        if path.exists():
            self._records = json.loads(path.read_text(encoding="utf-8"))

    def find(self, verdict: Verdict) -> Verdict | None:
        """Return the verdict that is here on the same project, version, form and source."""
        record = self._records.get(self._key(verdict))
        if record is None or record["source"] != verdict.source:
            return None
        return Verdict.from_json(record)

    def add(self, verdict: Verdict) -> None:
        """Put *verdict* in place of an older one on the same version."""
        with self._lock:
            self._records[self._key(verdict)] = asdict(verdict)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            passing = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            passing.write_text(json.dumps(self._records, indent=1, sort_keys=True) + "\n")
            passing.replace(self._path)

    @staticmethod
    def _key(verdict: Verdict) -> str:
        return f"{verdict.project}=={verdict.version} ({verdict.form})"
