"""Garbage collection while setuptools is imported."""

from __future__ import annotations

import subprocess
import sys


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )


def test_collecting_garbage_stays_off_where_it_was_off() -> None:
    script = GARBAGE.format(before="gc.disable()") + "assert not gc.isenabled()\n"
    assert run(script).returncode == 0


GARBAGE = """
import gc
from isolated_backend.shortcuts.imports import garbage_kept
gc.collect()
{before}
young = []
with garbage_kept():
    young += [[] for _ in range(100_000)]
"""


def test_what_was_imported_is_old_and_not_frozen() -> None:
    script = GARBAGE.format(before="") + (
        "assert gc.isenabled() and not gc.get_freeze_count()\n"
        "assert len(gc.get_objects(generation=0)) < 10_000 < len(gc.get_objects())\n"
    )
    assert run(script).returncode == 0


def test_what_somebody_has_frozen_stays_so() -> None:
    script = GARBAGE.format(before="gc.freeze()\nfrozen = gc.get_freeze_count()") + (
        "assert gc.get_freeze_count() == frozen\n"
    )
    assert run(script).returncode == 0


def test_what_is_frozen_meanwhile_stays_so() -> None:
    script = GARBAGE.format(before="") + (
        "with garbage_kept():\n    gc.freeze()\nassert gc.get_freeze_count() > 100_000\n"
    )
    assert run(script).returncode == 0
