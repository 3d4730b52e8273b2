"""A tree that changes while it is packaged: all of one moment, or an error that names a file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import changing_tree
from artifacts import members
from backends import HERE, OURS, PLAIN

CHANGES = [change for change in changing_tree.CHANGES if change != "stash" or shutil.which("git")]
HOOKS = ["build_sdist", "build_wheel"]
ENVIRONMENT = os.environ | {
    f"GIT_{who}_{what}": "a@example.org"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}
PROJECT = """\
[build-system]
requires = ["setuptools"]
[project]
name = "demo"
version = "1"
[tool.setuptools.package-data]
"*" = ["*.txt"]
"""


@dataclass
class Tree:
    """A project, one package of which is to change.

    Attributes:
        place: where there is room for its copies.
        modules: how many it has, in three packages.
    """

    place: Path
    modules: int

    def make(self) -> Path:
        """Write it afresh, and return its root."""
        root = self.place / "root"
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(self.place / "away", ignore_errors=True)
        for number in range(3):
            package = root / "src" / f"p{number}"
            package.mkdir(parents=True)
            (package / "data.txt").write_text("data = 1\n")
            for module in ("__init__", *(f"m{n:04}" for n in range(self.modules // 3))):
                (package / f"{module}.py").write_text(f"name = {module!r}\n")
        (root / "pyproject.toml").write_text(PROJECT)
        for path in root.rglob("*"):
            os.utime(path, (1_600_000_000, 1_600_000_000))
        return root

    def build(self, backend: str, hook: str, change: str = "", at: int = 0) -> tuple[int, str, str]:
        """Build it afresh; return the number of calls, the artifact's path and the error."""
        root, out = self.make(), self.place / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        if change == "stash":  # only the package is new
            for words in ("init -q", "add . :!src/p1", "commit -qm first"):
                subprocess.run(["git", *words.split()], cwd=root, env=ENVIRONMENT, check=True)
        request = {
            "backend": backend,
            "hook": hook,
            "root": str(root),
            "out": str(out),
            "change": change,
            "package": str(root / "src" / "p1"),
            "at": at,
        }
        done = subprocess.run(
            [sys.executable, str(HERE / "changing_tree.py"), json.dumps(request)],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=True,
        )
        calls, result, error = json.loads(done.stdout.splitlines()[-1])
        assert error or os.listdir(out) == [result]
        assert result or os.listdir(out) == []
        return calls, str(out / result), error


def wrong(
    tree: Tree, backend: str, hook: str, change: str, instants: int, first: int = 0
) -> Iterator[str]:
    """Yield what is not as it should be when *tree* changes at so many *instants* of *hook*."""
    total, artifact, _ = tree.build(backend, hook)
    whole = [members(Path(artifact))]
    whole.append(members(Path(tree.build(backend, hook, change, 1)[1])))  # nothing was read yet
    assert whole[0] != whole[1]
    for number in range(first, instants):
        at = 2 + number * (total - 2) // instants
        _, artifact, error = tree.build(backend, hook, change, at)
        if error:
            if "src/p1" not in error:
                yield f"{at}: {error}"
        elif members(Path(artifact)) not in whole:
            yield f"{at}: {len(members(Path(artifact)))} members"


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("change", CHANGES)
def test_whole_or_an_error_that_names_a_file(change: str, hook: str, tmp_path: Path) -> None:
    """Of few files: these instants are after the first have been found."""
    assert list(wrong(Tree(tmp_path, 30), OURS, hook, change, 8, first=4)) == []


@pytest.mark.long
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("change", CHANGES)
def test_whole_or_an_error_that_names_a_file_at_60_instants(
    change: str, hook: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    assert list(wrong(Tree(tmp_path, 3_000), OURS, hook, change, 60)) == []
    record_property("figures", f"3,000 modules, {change} at 60 instants of {hook}: 0 wrong")


def test_setuptools_leaves_out_what_vanishes(tmp_path: Path) -> None:
    """The control: with these instants there is something to find."""
    assert list(wrong(Tree(tmp_path, 30), PLAIN, "build_sdist", "rename", 16, first=8))
