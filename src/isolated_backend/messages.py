"""What the backend says to whoever runs the frontend."""

from __future__ import annotations

import sys

_PREFIX = "isolated-backend: "


def tell(text: str) -> None:
    """Print *text* to the standard error stream, where warnings and waiting are told."""
    print(_PREFIX + text, file=sys.stderr, flush=True)


def report(text: str) -> None:
    """Print *text* to the standard output stream, as setuptools does with what it has done."""
    print(printable(text), flush=True)


def printable(text: str) -> str:
    """Return *text* with our name, and escapes for what standard output cannot encode."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return (_PREFIX + text).encode(encoding, "backslashreplace").decode(encoding)
