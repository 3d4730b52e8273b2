"""Who is measured: a build backend, and what users put around it to build many times at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Guard = Literal["", "lock", "copy"]
"""What keeps builds that run at once apart: nothing, a lock as `flock` takes it, or a copy each."""


@dataclass(frozen=True)
class Backend:
    """A build backend.

    Attributes:
        name: also the name of the distribution, but for ours.
        module: the value of ``build-backend``.
        requires: the value of ``requires``.
        environment: the requirements of the environment that it is measured in. Ours and plain
            setuptools have the same one.
        more: what pyproject.toml needs besides, for the artifacts to have the same modules.
    """

    name: str
    module: str
    requires: tuple[str, ...]
    environment: tuple[str, ...]
    more: str = ""

    @property
    def is_setuptools(self) -> bool:
        """Whether it can build a project that is written for setuptools."""
        return self.environment == SETUPTOOLS.environment


@dataclass(frozen=True)
class Contestant:
    """A way to build a project.

    Attributes:
        name: what it is called on the command line and in the results.
        title: what it is called in a table.
        backend: what builds.
        guard: what is around it.
    """

    name: str
    title: str
    backend: Backend
    guard: Guard = ""


SETUPTOOLS = Backend(
    "setuptools",
    "setuptools.build_meta",
    ("setuptools",),
    environment=("setuptools", "wheel", "packaging", "filelock>=3.30"),
)
ISOLATED = Backend(
    "isolated-backend",
    "isolated_backend",
    ("setuptools", "isolated-backend"),
    environment=SETUPTOOLS.environment,
)


def _other(name: str, module: str, *environment: str, more: str = "") -> Contestant:
    return Contestant(name, name, Backend(name, module, (name,), (name, *environment), more))


OURS = Contestant("ours", "isolated-backend", ISOLATED)
PLAIN = Contestant("setuptools", "setuptools", SETUPTOOLS)
FLOCK = Contestant("flock", "setuptools under `flock`", SETUPTOOLS, "lock")
COPY = Contestant("copy", "setuptools, a copy per build", SETUPTOOLS, "copy")

_HATCHLING = """
[tool.hatch.build.targets.sdist]
include = ["/src", "/README.md"]

[tool.hatch.build.targets.wheel]
packages = ["src/crowded"]
"""

CONTESTANTS = {
    contestant.name: contestant
    for contestant in (
        OURS,
        PLAIN,
        FLOCK,
        COPY,
        _other("hatchling", "hatchling.build", "editables", more=_HATCHLING),
        _other("flit-core", "flit_core.buildapi"),
        _other("pdm-backend", "pdm.backend"),
        _other("uv_build", "uv_build"),
    )
}
"""All of them, in the order of the tables' columns."""
