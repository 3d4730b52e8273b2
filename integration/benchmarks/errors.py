"""What can go wrong before there is anything to measure."""

from __future__ import annotations


class BenchmarkError(Exception):
    """Something cannot be measured; the text says why in one line."""


class UnavailableError(BenchmarkError):
    """What is to be measured cannot be had here."""
