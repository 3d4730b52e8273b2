"""A project that is quickly built."""

from __future__ import annotations

import textwrap
from pathlib import Path


def simple(root: Path, setup: str = "", name: str = "simple") -> Path:
    """Write a project whose setup.py begins with *setup*."""
    root.mkdir()
    (root / "pyproject.toml").write_text("[build-system]\nrequires = []\n")
    (root / f"{name}.py").touch()
    (root / "setup.py").write_text(
        f"import os, sys\nfrom setuptools import setup\n{textwrap.dedent(setup)}\n"
        f"setup(name={name!r}, version='1', py_modules=[{name!r}])\n"
    )
    return root
