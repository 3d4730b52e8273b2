"""Every setuptools that we are for: hooks, identity and concurrency.

By default the oldest and the newest; ``-m long`` tries those between, too.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from backends import OURS, PLAIN

from ..conftest import once
from ..corpus.errors import CorpusError
from . import VERSIONS
from .trial import Setuptools, identity, load


@pytest.fixture(
    params=[
        pytest.param(version, marks=[pytest.mark.long] if version in VERSIONS[1:-1] else [])
        for version in VERSIONS
    ],
    ids=lambda version: version or "newest",
    scope="session",
)
def setuptools(request: pytest.FixtureRequest, common: Path) -> Setuptools:
    def make(place: Path) -> None:
        Setuptools(place).prepare(request.param)

    try:
        return Setuptools(once(common / f"setuptools-{request.param or 'newest'}", make))
    except CorpusError as error:
        pytest.skip(str(error))


def test_identity(setuptools: Setuptools, tmp_path: Path) -> None:
    """All eight hooks on all samples."""
    found = identity(setuptools, tmp_path)
    assert found.differences == []
    assert found.hooks - len(found.failures) > 100


@pytest.mark.usefixtures("whole_machine")
def test_concurrency(setuptools: Setuptools, tmp_path: Path) -> None:
    assert load(setuptools, OURS, tmp_path / "ours").is_clean


@pytest.mark.usefixtures("whole_machine")
def test_plain_setuptools_collides(setuptools: Setuptools, tmp_path: Path) -> None:
    """The control."""
    assert load(setuptools, PLAIN, tmp_path / "plain").collided
