"""Speed, and nothing else: each shortcut may be switched off, or be missing, at any time.

Each says what it assumes of setuptools. What it makes without that, it proves (:mod:`.proof`).
"""

from __future__ import annotations

import gc
from contextlib import contextmanager

TYPE_CHECKING = False  # `typing` takes longer to import than the rest
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..call import Call
    from ..redirect.replacement import Replacements

#: How seldom garbage is collected: what is imported stays, and would be looked at again and again.
_SELDOM = (100_000, 50, 1_000)


def known_requirements(
    root: str, hook: str, config_settings: Mapping[str, str | list[str] | None] | None
) -> list[str] | None:
    """Return what *hook* would return, if it can be known without setuptools."""
    from . import requirements

    prefix, _, kind = hook.partition("get_requires_for_build_")
    return requirements.known(root, kind, config_settings) if not prefix and kind else None


@contextmanager
def imports(root: str) -> Iterator[None]:
    """Make importing setuptools quicker while this is open."""
    from . import compiled

    set_threshold = getattr(gc, "set_threshold", lambda *_: None)  # PyPy's collector has none
    before = getattr(gc, "get_threshold", lambda: (0, 0, 0))()
    set_threshold(*(_SELDOM if before[0] else before))
    try:
        with compiled.shared(root):
            yield
    finally:
        set_threshold(*before)


def replacements(call: Call) -> Sequence[Replacements]:
    """Return what to replace of setuptools for *call*, a group for each shortcut."""
    from . import metadata, plugins

    groups = [metadata.replaces, plugins.replaces]
    if call.hook == "build_sdist":
        from . import sdist

        groups.append(sdist.replaces)
    elif call.hook == "build_wheel":
        from . import wheel

        groups.append(wheel.replaces)
    return groups


def check(call: Call) -> None:
    """Raise :class:`ShortcutError` unless what shortcuts have made for *call* is proved."""
    from . import proof

    proof.check(call)
