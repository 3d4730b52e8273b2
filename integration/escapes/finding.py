"""What is found about one project."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """A write that nothing explains, or a hook that fails."""

    what: str
    path: str
    hook: str
    program: str

    def __str__(self) -> str:
        return f"{self.what}: {self.path} ({self.hook}, by {self.program})"


@dataclass
class Report:
    """All that is found about one project."""

    name: str
    skipped: str = ""
    findings: list[Finding] = field(default_factory=list)
    own: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """What the project wrote into its tree, as the writer, and by which hooks."""
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

    def grouped(self) -> list[tuple[str, str, list[str], list[str]]]:
        """Return the findings by what is wrong and the path, with the hooks and the programs."""
        groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
        for finding in self.findings:
            groups[finding.what, finding.path].append(finding)
        return [
            (*key, *(sorted({getattr(one, name) for one in found}) for name in ("hook", "program")))
            for key, found in sorted(groups.items())
        ]
