"""A project that writes into its own tree, and whether it can have a private one here."""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from backends import OURS, HookProcess
from isolated_backend.cli.private import obstacle

T = TypeVar("T")

_OBSTACLE = obstacle(tempfile.gettempdir())
needs_private_trees = pytest.mark.skipif(_OBSTACLE is not None, reason=f"no: {_OBSTACLE}")

#: Writes from Python and from a child process, also where something was, and tells how it went.
SETUP = """\
import os, subprocess, sys
from setuptools import setup
with open("writer/_version.py", "w") as file:
    file.write("VERSION = 1\\n")
subprocess.run([sys.executable, "-c", "open('writer/by_program.py', 'w').close()"], check=True)
if os.environ.get("FAIL"):
    raise eval(os.environ["FAIL"])
setup(name="writer", version="1", packages=["writer"])
"""


def project_that_writes(root: Path) -> Path:
    """Write one in *root* that is to have private trees, and return its path."""
    (root / "writer").mkdir(parents=True)
    (root / "writer" / "__init__.py").touch()
    (root / "setup.py").write_text(SETUP)
    configure(root, "private")
    return root


def configure(root: Path, writes: str) -> None:
    (root / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\n"
        f'[tool.isolated-backend]\nlock-timeout = 30\nin-tree-writes = "{writes}"\n'
    )


DENIED = [sys.executable, str(Path(__file__).with_name("denied.py"))]


def built(root: Path, out: Path, kind: str = "wheel", **options: Any) -> tuple[Path, str]:
    """Build *kind* of *root*; return the artifact and what the hook has printed."""
    backend = options.pop("backend", OURS)
    process = HookProcess(backend, root, **options)
    (outcome,) = process((f"build_{kind}", {f"{kind}_directory": str(out)}))
    assert outcome.error == "", process.output
    return out / outcome.result, process.output


def in_a_fork(function: Callable[[], T]) -> T:
    """Return what *function* returns in a forked child, which also sees what a test has patched."""
    with tempfile.TemporaryFile() as file:
        pid = os.fork()
        if pid == 0:
            try:
                pickle.dump((function(), None), file)
            except Exception as error:
                pickle.dump((None, error), file)
            finally:
                file.flush()
                os._exit(0)
        os.waitpid(pid, 0)
        file.seek(0)
        value: T
        value, raised = pickle.load(file)
    if raised is not None:
        raise raised
    return value
