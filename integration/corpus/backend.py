"""The build backend that a project's pyproject.toml names, and what stands for it on our side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import toml
from .errors import CorpusError

LEGACY = "setuptools.build_meta:__legacy__"

_OURS = {
    "setuptools.build_meta": "isolated_backend",
    LEGACY: "isolated_backend:__legacy__",
}

_THEIRS = {ours: theirs for theirs, ours in _OURS.items()}


@dataclass(frozen=True)
class Backend:
    """A ``[build-system]`` table, as a frontend reads it."""

    name: str
    path: tuple[str, ...]
    requires: tuple[str, ...]

    @property
    def is_own(self) -> bool:
        """Whether the project brings a backend of its own, which may wrap setuptools'."""
        return self.name not in _OURS

    @property
    def ours(self) -> str:
        """Our backend with the same behaviour; of an own backend, its name.

        Where the project brings its own, it goes on being called: what it imported of
        setuptools' backend is replaced by ours.
        """
        return _OURS.get(self.name, self.name)


def read(root: Path) -> Backend:
    """Return the backend of the project in *root*.

    Raises:
        CorpusError: its pyproject.toml is broken or names a backend that has nothing to do with
            setuptools.
    """
    path = root / "pyproject.toml"
    table = toml.read(path).get("build-system", {}) if path.exists() else {}
    name = table.get("build-backend", LEGACY)
    backend = Backend(
        name=_THEIRS.get(name, name),
        path=tuple(table.get("backend-path", ())),
        requires=tuple(table.get("requires", ("setuptools>=40.8.0", "wheel"))),
    )
    if backend.is_own and not backend.path:
        raise CorpusError(f"its backend is {backend.name}, not setuptools")
    return backend
