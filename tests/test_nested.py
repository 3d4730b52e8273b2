"""setup.py may build its own project, in its own process or in another one."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from artifacts import names
from backends import OURS, HookProcess

posix = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

#: How setup.py builds the project that it is of.
WAYS = {
    "by a call": "import isolated_backend as backend\nbackend.build_wheel(out)",
    "in a child": (
        "import subprocess\n"
        "code = 'import isolated_backend as b, sys; b.build_wheel(sys.argv[1])'\n"
        "subprocess.run([sys.executable, '-c', code, out], check=True)"
    ),
    "in a fork": (
        "import isolated_backend as backend\n"
        "if os.fork() == 0:\n"
        "    backend.build_wheel(out)\n"
        "    os._exit(0)\n"
        "assert os.wait()[1] == 0"
    ),
}


def project(root: Path, way: str, settings: str) -> Path:
    """Write a project whose setup.py builds it by *way*, once, for all that it sets before."""
    root.mkdir()
    (root / "pyproject.toml").write_text(
        f"[build-system]\nrequires = []\n[tool.isolated-backend]\nlock-timeout = 20\n{settings}\n"
    )
    build = textwrap.indent(WAYS[way], "    ")
    (root / "setup.py").write_text(
        "import os, sys\nfrom setuptools import setup\n"
        "if 'NESTED' not in os.environ:\n"
        "    os.environ['NESTED'] = '1'\n"
        "    out = os.environ['OUT']\n"
        f"{build}\n"
        "    del os.environ['NESTED']\n"
        "setup(name='nested', version='1', py_modules=[])\n"
    )
    return root


@posix
@pytest.mark.parametrize("settings", ["", 'in-tree-writes = "lock"', 'in-tree-writes = "private"'])
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("way", WAYS)
def test_a_nested_build_waits_for_nobody(
    way: str, number: int, settings: str, tmp_path: Path
) -> None:
    """Also in a hook that has a process of its own already, as the second."""
    root = project(tmp_path / "root", way, settings)
    process = HookProcess(OURS, root, environment={"OUT": str(tmp_path / "inner")})
    calls = [
        ("build_wheel", {"wheel_directory": str(tmp_path / f"outer{each}")})
        for each in range(number)
    ]
    for outcome in process(*calls):
        assert outcome.error == "", process.output
    for directory in tmp_path.glob("outer?"):
        assert names(tmp_path / "inner" / outcome.result) == names(directory / outcome.result)
    assert "waiting" not in process.output
