"""``in-tree-writes = "private"``: projects that write into their tree, all at once, untouched.

With real projects, real mounts and real users: on disk and in memory, from a tree that cannot be
written, and where the kernel grants no namespaces.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from artifacts import members
from snapshot import snapshot

from .conftest import Environment, call, once, python_of
from .frontends.run import Result, failures, run_at_once
from .namespaces import READ_ONLY, mounted
from .test_in_tree_writers import AT_ONCE, project

NOBODY = 65534
DENIED = [sys.executable, str(Path(__file__).parents[1] / "tests" / "denied.py")]

#: A program that has the kernel grant no further user namespace to what it runs.
_NO_MORE = "echo 0 > /proc/sys/user/max_user_namespaces"


class User(NamedTuple):
    """Who builds: the words before a command, an interpreter that they can run, and a number."""

    name: str
    prefix: list[str]
    python: Path
    number: int

    def owns(self, *trees: Path) -> None:
        """Give the user these trees."""
        for tree in trees:
            for path in (tree, *tree.rglob("*")):
                os.chown(path, self.number, self.number, follow_symlinks=False)


@pytest.fixture(scope="session")
def everybodys_venv(common: Path, wheelhouse: Path, writers_venv: Environment) -> Path | None:
    """Return the interpreter of such an environment that every user can run, if there is one."""
    candidates = (shutil.which(f"python3.{n}", path="/usr/local/bin:/usr/bin") for n in range(9, 20))
    found = [path for path in candidates if path and _runs_for_nobody([path])]
    if not found:
        return None

    def make(directory: Path) -> None:
        call(found[-1], "-m", "venv", "--without-pip", "--copies", directory)
        pip = [sys.executable, "-m", "pip", "--python", python_of(directory), "install", "-q"]
        call(*pip, "--find-links", wheelhouse, *["isolated-backend", "build", "pip"])
        call(*pip, "--find-links", wheelhouse, "setuptools-scm", "cython")

    python = python_of(once(common / "everybodys", make))
    for directory in python.parents:
        if directory.is_relative_to(common.parent) and directory.owner() == "root":
            directory.chmod(0o755)
    return python


def _runs_for_nobody(command: Sequence[str | Path]) -> bool:
    words = [*_nobody(), *map(str, command), "-c", "import venv, sys; assert sys.version_info > (3, 10)"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def _nobody() -> list[str]:
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


@pytest.fixture(params=["root", "an ordinary user"])
def user(request: pytest.FixtureRequest) -> User:
    """Return who builds. The test is skipped for whom it cannot run as."""
    if request.param == "root" and os.geteuid() != 0:
        pytest.skip("this is not the superuser")
    if request.param == "root" or os.geteuid() != 0:
        python = request.getfixturevalue("writers_venv").python
        return User(request.param, [], python, os.geteuid())
    if not shutil.which("setpriv"):
        pytest.skip("the superuser cannot be another user here")
    python = request.getfixturevalue("everybodys_venv")
    if python is None:
        pytest.skip("no Python that everybody can run")
    return User(request.param, _nobody(), python, NOBODY)
