"""Many builds of one tree at the same instant, by this user or another."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from backends import HOOKS
from outside import Outside
from snapshot import Snapshot, snapshot
from trial import KEPT

from .frontends import Command, Finished, run_at_once
from .test_private_trees import User, variables

Case = TypeVar("Case")

ENV = shutil.which("env") or "env"

#: A frontend that does no more than call a hook.
CALL = """\
import json, sys, {} as backend
hook, out, *more = sys.argv[1:]
getattr(backend, hook)(out, *map(json.loads, more))
"""

COMPILER = """\
#!/bin/sh
{compiler} "$@" || exit
[ -n "$MEETING" ] || exit 0
case "$*" in *" -c "*core/*.c*) ;; *) exit 0 ;; esac
source=$(echo "$*" | sed 's|.* -c \\([^ ]*\\) .*|\\1|; s|.*core/||; s|/|.|g')
mkdir -p "$MEETING/$source"
: > "$MEETING/$source/$VALUE"
for _ in $(seq 3000); do
    set -- "$MEETING/$source"/*
    [ $# -lt {builds} ] || exit 0
    sleep 0.02
done
echo "nobody else compiles $source" >&2
exit 1
"""


@dataclass(frozen=True)
class Place:
    """A directory of a user's with a tree, and with what its builds need.

    Attributes:
        path: the directory.
        user: whose it is.
        python: what to build with.
    """

    path: Path
    user: User
    python: str

    @property
    def tree(self) -> Path:
        """What the project is made of."""
        return self.path / "around" / "tree"

    def write(self, project: Outside) -> Path:
        """Write *project* into the tree, which is emptied, and return its root."""
        shutil.rmtree(self.path / "around", ignore_errors=True)
        root = project.write(self.tree)
        self.user.take(self.path / "around")
        return root

    def build(
        self,
        backend: str,
        root: Path,
        hooks: Iterable[str],
        options: str = "null",
        before: Iterable[str] = (),
        **more: str,
    ) -> list[Finished]:
        """Call *hooks* at once, each into the directory ``out/NUMBER``, with VALUE its number.

        Args:
            backend: whose.
            root: the project root.
            hooks: their names.
            options: the config_settings, as JSON.
            before: what to put before the commands.
            **more: further variables.
        """
        shutil.rmtree(self.path / "out", ignore_errors=True)
        self.user.directory("out", self.path)
        commands = []
        for number, hook in enumerate(hooks):
            out = self.user.directory(str(number), self.path / "out")
            words = [self.python, "-c", CALL.format(backend), hook, str(out)]
            if HOOKS[hook]:
                words.append(options)
            commands.append(
                Command([ENV, *before, *self.user.prefix, *words], root, {"VALUE": str(number)})
            )
        inherited = variables(self.path / "tmp") | more
        return run_at_once(commands, inherited, self.path / "logs")

    def artifact(self, number: int) -> Path:
        """Return what the hook *number* has made."""
        (made,) = (self.path / "out" / str(number)).iterdir()
        return made

    def around(self) -> Snapshot:
        """Return all that is in the tree, and beside it."""
        return snapshot(self.path / "around")

    def left(self) -> list[str]:
        """Return what is left in TMPDIR, besides what is to stay and setuptools' compiled files."""
        return [
            str(path)
            for path in (self.path / "tmp").rglob("*")
            if not KEPT.fullmatch(path.name)
            and "bytecode" not in path.parts
            and not _holds_locks(path)
        ]


def _holds_locks(path: Path) -> bool:
    """Tell whether *path* is the directory of all slots, or that of a project's."""
    slots = (path.name, path.parent.name)
    return path.is_dir() and any(re.fullmatch(r"isolated-backend\.\d+", name) for name in slots)


def compiler(place: Place, builds: int) -> Path:
    """Write a C compiler that waits until *builds* have made the object that it has made."""
    path = place.path / "gcc"
    real = shutil.which("gcc")
    if real is None:
        pytest.skip("there is no gcc")
    path.write_text(COMPILER.format(compiler=real, builds=builds))
    path.chmod(0o755)
    return path


def cases(name: str, quick: Sequence[Case], long: Mapping[Case, int]) -> pytest.MarkDecorator:
    """Return the parameters *name* and ``rounds``: one round of some, and many of all.

    Args:
        name: of the parameter.
        quick: the cases to try once in any case.
        long: all of them, with their rounds.
    """
    marks = [pytest.mark.long]
    several = [pytest.param(case, rounds, marks=marks) for case, rounds in long.items()]
    return pytest.mark.parametrize((name, "rounds"), [*((case, 1) for case in quick), *several])
