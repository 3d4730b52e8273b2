"""The frontends that builds go through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Kind: TypeAlias = Literal["sdist", "wheel"]

#: The kinds of artifacts.
KINDS: tuple[Kind, ...] = ("sdist", "wheel")


@dataclass(frozen=True)
class Frontend:
    """A program that builds through a backend.

    Attributes:
        name: what it is called.
        requires: what it needs in the environment that it builds in.
        command: returns the command line for a Python, a kind of artifact, a directory for the
            artifact and a project root. It must not isolate: the environment is set up already.
    """

    name: str
    requires: tuple[str, ...]
    command: Callable[[str, Kind, Path, Path], list[str]]


def _build(python: str, kind: Kind, out: Path, root: Path) -> list[str]:
    return [
        *(python, "-m", "build", "--no-isolation"),
        *(f"--{kind}", "--outdir", str(out), str(root)),
    ]


BUILD = Frontend("build", ("build",), _build)
