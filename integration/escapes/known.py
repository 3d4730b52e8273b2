"""What is known about projects: ``known.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..corpus import project as corpus
from ..corpus import toml
from .errors import TraceError
from .places import is_named

FILE = Path(__file__).with_name("known.toml")
_KEYS = ("writes", "editable", "unlocked", "again", "fails")


@dataclass(frozen=True)
class Known:
    """What is known about a project, as patterns of paths.

    Attributes:
        writes: what it writes into its own tree.
        editable: what an editable install leaves there.
        unlocked: what needs no lock of ours.
        again: what a hook notices when it is done, and then writes again as the writer.
        fails: the names of the hooks that fail under setuptools, too.
        reads: whether no hook but ``build_editable`` may be the writer.
    """

    writes: tuple[str, ...] = ()
    editable: tuple[str, ...] = ()
    unlocked: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()
    reads: bool = False

    def is_own(self, name: str, hook: str) -> bool:
        """Tell whether it is the project that writes *name* during *hook*."""
        patterns = self.writes
        if hook == "build_editable":
            patterns += self.editable
        return is_named(name, patterns)

    def needs_no_lock(self, name: str) -> bool:
        """Tell whether *name* may be written while the hook is not the writer."""
        return is_named(name, self.unlocked)

    def is_seen_late(self, name: str) -> bool:
        """Tell whether a hook sees only at its end that *name* was written, and does it again."""
        return is_named(name, self.again)


def of(name: str) -> Known:
    """Return what is known about the sample, kind or project *name*.

    Raises:
        TraceError: ``known.toml`` has an unknown key, or gives no reason.
    """
    patterns: dict[str, list[str]] = {key: [] for key in _KEYS}
    reads = False
    for entry in toml.read(FILE)["known"]:
        if unknown := entry.keys() - {"names", "because", "reads", *_KEYS}:
            raise TraceError(f"known.toml: there is no key {', '.join(sorted(unknown))}")
        if not entry.get("because"):
            raise TraceError(f"known.toml: {entry['names']} without a reason (`because`)")
        if is_named(name, entry["names"]):
            reads |= entry.get("reads", False)
            for key in _KEYS:
                patterns[key] += entry.get(key, ())
    of_corpus = toml.read(corpus.HERE / "known.toml").get(name, {})
    patterns["writes"] += of_corpus.get("writes", ())
    return Known(**{key: tuple(found) for key, found in patterns.items()}, reads=reads)
