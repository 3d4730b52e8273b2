"""A call of a hook, for tests of what is done during one."""

from __future__ import annotations

from pathlib import Path

from isolated_backend.call import Call
from isolated_backend.settings import Settings
from isolated_backend.shadow.paths import Shadow


def call_on(root: Path, hook: str = "build_sdist") -> Call:
    """Return a call of *hook* on the project in *root*, which works in a directory beside it."""
    slot = root.with_name(root.name + "-slot")
    root.mkdir(exist_ok=True)
    slot.mkdir(exist_ok=True)
    return Call("setuptools.build_meta", hook, Settings(), Shadow(str(root), str(slot), "/nowhere"))
