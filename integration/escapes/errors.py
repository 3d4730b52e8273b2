"""What can go wrong with a trace."""

from __future__ import annotations


class TraceError(Exception):
    """There is no trace, or one that cannot be read; the text says why in one line."""
