"""Fixtures for all tests: an environment of their own, and projects to build."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from backends import SAMPLES
from isolated_backend import process

# Whoever starts the tests in the background, or with nohup, lets all their children ignore signals.
for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    number = getattr(signal, name, None)  # Windows has no SIGHUP
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _own_environment(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Give every test a TMPDIR that it can look into, and Python's usual ways."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    # Not beside what a test compares before and after.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache") / "own"))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    # As in a process of its own, the first hook that a test calls runs where it has patched.
    monkeypatch.setattr(process, "_is_first_to_come", True)


@pytest.fixture
def sample(tmp_path: Path) -> Callable[[str], Path]:
    """Return a copy of one of ``tests/samples`` to build in."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(SAMPLES / name, tmp_path / "work" / name, symlinks=True))

    return copy


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the long runs all the time that they take."""
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.timeout(0))
