"""The frontends that builds go through, each as it is and on its ordinary command line."""

from __future__ import annotations

import os
import shutil
import sysconfig
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from . import tox
from .errors import CommandError
from .load import Build

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from .environment import Environment

Kind: TypeAlias = Literal["sdist", "wheel"]

#: The kinds of artifacts.
KINDS: tuple[Kind, ...] = ("sdist", "wheel")


@dataclass(frozen=True)
class Frontend:
    """A program that builds through a backend.

    Attributes:
        name: what it is called.
        kinds: what it can build.
        requires: what it needs in the environment that it builds in.
        order: returns the build of a kind of artifact in an environment, for a project root and a
            directory of its own, which does not exist yet. It must not isolate: the environment
            is set up already.
    """

    name: str
    kinds: tuple[Kind, ...]
    requires: tuple[str, ...]
    order: Callable[[Kind, Environment, Path, Path], Build]


def named(names: str) -> tuple[Frontend, ...]:
    """Return the frontends that the user has named.

    Args:
        names: their names, with commas between them.

    Raises:
        CommandError: there is no such frontend, or it is not installed.
    """
    wanted = tuple(dict.fromkeys(name.strip() for name in names.split(",")))
    for name in wanted:
        if name not in _FRONTENDS:
            raise CommandError(
                f"`--frontends` knows no {name!r}; it takes one or more of "
                f"{', '.join(_FRONTENDS)}, with commas between them."
            )
    return tuple(_FRONTENDS[name]() for name in wanted)


def in_turn(frontends: Sequence[Frontend], number: int) -> list[tuple[Frontend, Kind]]:
    """Spread *number* builds of each kind over those of *frontends* that can do it, in turn.

    The wheels begin with the last frontend: so even a few builds go through many of them.
    """
    turns = {kind: [each for each in frontends if kind in each.kinds] for kind in KINDS}
    turns["wheel"].reverse()
    return [
        (turn[index % len(turn)], kind)
        for index in range(number)
        for kind, turn in turns.items()
        if turn
    ]


def _build() -> Frontend:
    def order(kind: Kind, environment: Environment, root: Path, place: Path) -> Build:
        dist = place / "dist"
        words = [environment.python, "-m", "build", "--no-isolation", f"--{kind}"]
        return Build([*words, "--outdir", str(dist), str(root)], place, dist)

    return Frontend("build", KINDS, ("build",), order)


def _uv() -> Frontend:
    program = _program("uv")

    def order(kind: Kind, environment: Environment, root: Path, place: Path) -> Build:
        dist = place / "dist"
        words = [program, "build", "--no-build-isolation", "--python", environment.python]
        options = ["--offline", "--cache-dir", str(place / "cache"), f"--{kind}"]
        return Build([*words, *options, "--out-dir", str(dist), str(root)], place, dist)

    return Frontend("uv", KINDS, (), order)


def _pip() -> Frontend:
    def order(_: Kind, environment: Environment, root: Path, place: Path) -> Build:
        dist = place / "dist"
        words = [environment.python, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps"]
        options = ["--no-input", "--disable-pip-version-check", "--wheel-dir", str(dist)]
        return Build([*words, *options, str(root)], place, dist)

    return Frontend("pip", ("wheel",), ("pip",), order)


def _tox() -> Frontend:
    program = _program("tox")

    def order(kind: Kind, environment: Environment, root: Path, place: Path) -> Build:
        return tox.order(program, kind, environment, root, place)

    return Frontend("tox", KINDS, (), order)


def _program(name: str) -> str:
    """Return where the program *name* is: beside the running Python, or else on the PATH.

    Raises:
        CommandError: it is not installed.
    """
    path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))
    found = shutil.which(name, path=path)
    if found is None:
        raise CommandError(
            f"`--frontends` names {name}, which is not installed; "
            f"install it with: pip install {name}"
        )
    return os.path.abspath(found)


_FRONTENDS = {"build": _build, "uv": _uv, "pip": _pip, "tox": _tox}
