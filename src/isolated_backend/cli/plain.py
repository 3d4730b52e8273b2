"""What a check has found, for a program: objects that JSON knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import collision
from .report import verdict

if TYPE_CHECKING:
    from .finding import Half, Report


def of(report: Report) -> dict[str, Any]:
    """Return what *report* says; the reference documents it."""
    return {
        "project": report.name,
        "frontends": list(report.frontends),
        "own": _half(report.own, report),
        "isolated": _half(report.isolated, report),
        "unstable": list(report.unstable),
        "deviating": {kind: list(names) for kind, names in report.deviating.items()},
        "in-tree-writes": _writes(report),
        "private-trees": {"possible": report.obstacle is None, "obstacle": report.obstacle},
        "verdict": verdict(report),
        "ok": report.isolated.perfect,
    }


def _half(half: Half, report: Report) -> dict[str, Any]:
    fought = collision.of(half, report.incomparable)
    return {
        "backend": half.backend,
        "builds": [
            {"kind": each.kind, "frontend": each.through, "error": each.error}
            for each in half.results
        ],
        "failed": len(half.failures),
        "distinct": {kind: half.distinct(kind) for kind in half.alone},
        "same": half.same,
        "differing": half.differing,
        "changed": list(half.foreign),
        "collisions": [
            {
                "path": each.place.path,
                "why": each.place.use,
                "failed": list(each.failed),
                "spoiled": list(each.spoiled),
            }
            for each in fought.found
        ],
        "failed-nowhere": fought.nowhere,
        "seconds": round(half.seconds, 3),
        "ok": half.perfect,
    }


def _writes(report: Report) -> dict[str, Any]:
    writes = report.isolated.writes
    return {
        "seen": sorted(writes.seen),
        "unseen": sorted(writes.unseen),
        "programs": sorted(writes.programs),
        "modules": sorted(writes.modules),
        "setting": report.setting,
        "fitting": report.fitting,
    }
