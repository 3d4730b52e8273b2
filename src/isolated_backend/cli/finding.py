"""What a check has found: one build, one half, both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .artifact import Contents
    from .frontend import Kind
    from .snapshot import Changes
    from .writes import Writes


@dataclass(frozen=True)
class Result:
    """What came out of one build.

    Attributes:
        kind: ``sdist`` or ``wheel``.
        through: the frontend's name.
        error: the line that tells why it failed, or ``None``.
        contents: what is in the artifact, if it did not fail.
    """

    kind: Kind
    through: str
    error: str | None
    contents: Contents | None


@dataclass(frozen=True)
class Half:
    """What came out of all the builds with one backend.

    Attributes:
        backend: its name, as in ``build-backend``.
        results: the builds.
        alone: by kind, what the project's own backend makes when it is alone.
        changes: what is different in the project root after the builds.
        writes: what the project's own code writes there even when one build is alone.
        seconds: how long the builds took, from the first start to the last end.
    """

    backend: str
    results: tuple[Result, ...]
    alone: Mapping[Kind, Contents]
    changes: Changes
    writes: Writes
    seconds: float

    @property
    def failures(self) -> list[tuple[str, str]]:
        """For each build that failed, the frontend's name and the error line."""
        return [(each.through, each.error) for each in self.results if each.error is not None]

    def made(self, kind: Kind) -> list[Contents]:
        """Return the contents of the artifacts of *kind*."""
        return [r.contents for r in self.results if r.kind == kind and r.contents is not None]

    def distinct(self, kind: Kind) -> int:
        """Return how many artifacts of *kind* differ from one another."""
        return len(set(self.made(kind)))

    @property
    def differing(self) -> dict[Kind, list[str]]:
        """By kind, the members in which artifacts differ from the one that was made alone."""
        found = {
            kind: sorted({name for made in self.made(kind) for name in made.differing(alone)})
            for kind, alone in self.alone.items()
        }
        return {kind: names for kind, names in found.items() if names}

    @property
    def same(self) -> int:
        """How many artifacts are the same as the one that was made alone."""
        return sum(
            made.same_as(alone) for kind, alone in self.alone.items() for made in self.made(kind)
        )

    @property
    def uniform(self) -> bool:
        """Whether all artifacts of a kind are the same."""
        return all(self.distinct(kind) <= 1 for kind in self.alone)

    @property
    def foreign(self) -> tuple[str, ...]:
        """The paths that are different and that the project's own code has not written."""
        return tuple(path for path in self.changes.paths if path not in self.writes.paths)

    @property
    def perfect(self) -> bool:
        """Whether every build came out right and left nothing but what is the project's own."""
        return self.same == len(self.results) and self.uniform and not self.foreign


@dataclass(frozen=True)
class Report:
    """What a check has found.

    Attributes:
        name: the project's name.
        frontends: the names of the frontends.
        own: the half with the project's own backend.
        isolated: the half with isolated_backend.
        unstable: the kinds of which the own backend makes a different artifact every time, even
            alone, so that nothing can be said about the contents.
        deviating: by kind, the frontends through which the own backend makes something else than
            through the first one, even alone.
        setting: the project's ``in-tree-writes``.
        obstacle: why there are no private trees on this machine; ``None`` if there are.
    """

    name: str
    frontends: tuple[str, ...]
    own: Half
    isolated: Half
    unstable: tuple[Kind, ...] = ()
    deviating: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)
    setting: str = "auto"
    obstacle: str | None = None

    @property
    def fitting(self) -> str:
        """The ``in-tree-writes`` that fits; ``private`` always does, if need be by turns."""
        return "private" if self.setting == "private" else self.isolated.writes.fitting

    @property
    def incomparable(self) -> frozenset[Kind]:
        """The kinds of which the own backend makes more than one even when it is alone."""
        return frozenset((*self.unstable, *self.deviating))
