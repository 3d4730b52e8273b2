"""What the backend says to whoever runs the frontend."""

from __future__ import annotations

import sys

_PREFIX = "isolated-backend: "


def tell(text: str) -> None:
    """Print *text* to the standard error stream, where warnings and waiting are told."""
    print(_PREFIX + visible(text), file=sys.stderr, flush=True)


def report(text: str) -> None:
    """Print *text* to the standard output stream, as setuptools does with what it has done."""
    print(printable(text), flush=True)


def printable(text: str) -> str:
    """Return *text* with our name, and escapes for what standard output cannot encode."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return (_PREFIX + visible(text)).encode(encoding, "backslashreplace").decode(encoding)


def visible(text: str) -> str:
    """Return *text* with escapes for what a terminal obeys: another user may have written it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
