"""What the backend says to whoever runs the frontend."""

from __future__ import annotations

import sys


def tell(text: str) -> None:
    """Print *text* to the standard error stream."""
    print(f"isolated-backend: {text}", file=sys.stderr, flush=True)
