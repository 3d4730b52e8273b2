"""Processes are not left running."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from isolated_backend.cli import process

if TYPE_CHECKING:
    from pathlib import Path


def test_run_returns_status_and_both_streams(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), flush=True); sys.exit(os.environ['NAME'])"
    status, output = process.run(
        [sys.executable, "-c", code], {**os.environ, "NAME": "name"}, tmp_path
    )
    assert (status, output.split()) == (1, [str(tmp_path), "name"])


def test_run_kills_what_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    processes: list[subprocess.Popen[bytes]] = []

    def interrupted(self: subprocess.Popen[bytes], *_: object) -> None:
        processes.append(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        process.run([sys.executable, "-c", "import time; time.sleep(60)"], os.environ)
    (killed,) = processes
    assert killed.returncode not in (None, 0)
    process.kill(killed)  # a second time does no harm
