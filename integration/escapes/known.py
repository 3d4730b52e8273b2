"""What is known about projects: ``known.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..corpus import project as corpus
from ..corpus import toml
from .errors import TraceError
from .places import is_named

FILE = Path(__file__).with_name("known.toml")
_KEYS = ("writes", "editable", "unlocked", "fails")


@dataclass(frozen=True)
class Known:
    """What a project writes into its own tree, as patterns, and which of its hooks fail."""

    writes: tuple[str, ...] = ()
    editable: tuple[str, ...] = ()
    unlocked: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()

    def is_own(self, name: str, hook: str) -> bool:
        """Tell whether it is the project that writes *name* during *hook*."""
        patterns = self.writes
        if hook == "build_editable":
            patterns += self.editable
        return is_named(name, patterns)

    def needs_no_lock(self, name: str) -> bool:
        """Tell whether *name* may be written while the hook is not the writer."""
        return is_named(name, self.unlocked)


def of(name: str) -> Known:
    """Return what is known about the sample, kind or project *name*.

    Raises:
        TraceError: ``known.toml`` has an unknown key, or gives no reason.
    """
    patterns: dict[str, list[str]] = {key: [] for key in _KEYS}
    for entry in toml.read(FILE)["known"]:
        if unknown := entry.keys() - {"names", "because", *_KEYS}:
            raise TraceError(f"known.toml: there is no key {', '.join(sorted(unknown))}")
        if not entry.get("because"):
            raise TraceError(f"known.toml: {entry['names']} without a reason (`because`)")
        if is_named(name, entry["names"]):
            for key in _KEYS:
                patterns[key] += entry.get(key, ())
    of_corpus = toml.read(corpus.HERE / "known.toml").get(name, {})
    patterns["writes"] += of_corpus.get("writes", ())
    return Known(**{key: tuple(found) for key, found in patterns.items()})
