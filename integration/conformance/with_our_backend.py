"""setuptools' ``test_build_meta.py``, whole, with our backend in the place of setuptools'.

It is run from a copy that lies beside the original in the unpacked sdist.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from setuptools.tests import test_build_meta as theirs

#: Ours, unless it is to be shown that these tests can fail.
BACKEND = os.environ.get("CONFORMANCE_BACKEND", "isolated_backend")

OURS = {
    "setuptools.build_meta": BACKEND,
    "setuptools.build_meta:__legacy__": f"{BACKEND}:__legacy__",
}


class TestBuildMetaBackend(theirs.TestBuildMetaBackend):
    """Their tests of ``setuptools.build_meta``."""

    backend_name = OURS[theirs.TestBuildMetaBackend.backend_name]


class TestBuildMetaLegacyBackend(theirs.TestBuildMetaLegacyBackend):
    """Their tests of ``setuptools.build_meta:__legacy__``."""

    backend_name = OURS[theirs.TestBuildMetaLegacyBackend.backend_name]


class BuildBackend(theirs.BuildBackend):
    """What calls the hooks: those of ours, also where a test names setuptools'.

    After each, no egg-info is in the root that was not there before.
    """

    cwd: str

    def __init__(self, *args: Any, backend_name: str, **kwargs: Any) -> None:
        name = OURS.get(backend_name, backend_name)
        assert name in OURS.values()
        super().__init__(*args, backend_name=name, **kwargs)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = super().__getattr__(name)

        def checked(*args: Any, **kwargs: Any) -> Any:
            before = self._egg_infos(args)
            try:
                return method(*args, **kwargs)
            finally:
                assert self._egg_infos(args) == before

        return checked

    def _egg_infos(self, arguments: tuple[Any, ...]) -> set[Path]:
        """Return the egg-infos in the root, less those in directories passed as *arguments*."""
        passed = {Path(argument).resolve() for argument in arguments if isinstance(argument, str)}
        found = Path(self.cwd).resolve().rglob("*.egg-info")
        return {path for path in found if passed.isdisjoint(path.parents)}


@pytest.fixture(autouse=True)
def _our_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theirs, "BuildBackend", BuildBackend)


# The tests that belong to no class.
globals().update({name: value for name, value in vars(theirs).items() if name.startswith("test_")})
