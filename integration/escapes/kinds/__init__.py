"""Generated projects, one for each way in which a build may write somewhere else."""

from __future__ import annotations

from . import outside, probes, programs, tools, workers
from .kind import Kind

ALL: list[Kind] = [*outside.KINDS, *probes.KINDS, *programs.KINDS, *tools.KINDS, *workers.KINDS]

__all__ = ["ALL", "Kind"]
