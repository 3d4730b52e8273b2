"""What is found about one project."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from pathlib import PurePath


@dataclass(frozen=True)
class Finding:
    """A write that nothing explains, or a hook that fails."""

    what: str
    path: str
    hook: str
    program: str = ""


@dataclass
class Report:
    """All that is found about one project."""

    name: str
    skipped: str = ""
    findings: list[Finding] = field(default_factory=list)
    own: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """What the project wrote into its tree, as the writer, and by which hooks."""
    writers: set[str] = field(default_factory=set)
    """The hooks that were the writer, whether they wrote into the tree or not."""
    programs: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The programs that hooks started, and where."""

    @property
    def is_fault(self) -> bool:
        """Whether something is unexplained."""
        return bool(self.findings)

    def add(self, finding: Finding) -> None:
        """Add *finding* unless it is there already."""
        if finding not in self.findings:
            self.findings.append(finding)

    def grouped(self) -> list[Group]:
        """Return the findings by what is wrong and where, without what is below another path."""
        groups: dict[tuple[str, str], Group] = {}
        for finding in sorted(self.findings, key=lambda one: (one.what, one.path)):
            key = finding.what, _topmost(finding.what, finding.path, groups)
            group = groups.setdefault(key, Group(*key))
            group.paths.add(finding.path)
            group.hooks.add(finding.hook)
            group.programs.add(finding.program)
        return list(groups.values())


@dataclass
class Group:
    """Findings of one kind at one path and below it."""

    what: str
    path: str
    paths: set[str] = field(default_factory=set)
    hooks: set[str] = field(default_factory=set)
    programs: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        below = f" and {len(self.paths) - 1} below it" if len(self.paths) > 1 else ""
        return f"{self.what}: {self.path}{below}"


def collapsed(paths: Iterable[str]) -> dict[str, int]:
    """Return those of *paths* that are not below another, and how many are below each."""
    found: dict[str, int] = {}
    for path in sorted(paths):
        parent = next((str(one) for one in PurePath(path).parents if str(one) in found), None)
        if parent is None:
            found[path] = 0
        else:
            found[parent] += 1
    return found


def _topmost(what: str, path: str, known: Container[tuple[str, str]]) -> str:
    """Return the path that is *known* and leads to *path*, or *path*."""
    for parent in PurePath(path).parents:
        if (what, str(parent)) in known:
            return str(parent)
    return path
