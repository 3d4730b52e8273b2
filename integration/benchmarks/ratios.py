"""Pairs of measurements and what they say: the median of their ratios, with the quartiles."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """How many times as much as another one needs.

    Attributes:
        median: of the ratios of all pairs.
        low: the first quartile.
        high: the third quartile.
        pairs: how many there are.
    """

    median: float
    low: float
    high: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def of_pairs(ours: Sequence[float | None], theirs: Sequence[float | None]) -> Ratio | None:
    """Return the ratio of *ours* to *theirs*.

    Args:
        ours: values in the order of the rounds; ``None`` where there is none.
        theirs: those of the same rounds.

    Returns:
        The ratio; ``None`` if no round has both values.
    """
    ratios = [
        one / other
        for one, other in zip(ours, theirs, strict=True)
        if one is not None and other is not None
    ]
    if not ratios:
        return None
    low, median, high = (
        statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    )
    return Ratio(median, low, high, len(ratios))


def median(values: Sequence[float | None]) -> float | None:
    """Return the median of the *values* that there are; ``None`` if there is none."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
