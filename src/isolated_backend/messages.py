"""What the backend says to whoever runs the frontend."""

from __future__ import annotations

import sys


def tell(text: str) -> None:
    """Print *text* to the standard error stream."""
    print(f"isolated-backend: {text}", file=sys.stderr, flush=True)


def say(text: str) -> None:
    """Print *text* to the standard output, with escapes for what that cannot show."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    shown = f"isolated-backend: {text}".encode(encoding, "backslashreplace").decode(encoding)
    print(shown, flush=True)
