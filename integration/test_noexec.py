"""A TMPDIR that is mounted with ``noexec``: a build that runs a program there says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends import OURS, HookProcess

from .namespaces import mounted

SETUP = """\
import os, shutil, subprocess
from setuptools import setup, Extension
from setuptools.command.build_ext import build_ext

class Generated(build_ext):
    def run(self):
        os.makedirs(self.build_temp, exist_ok=True)
        helper = os.path.join(self.build_temp, "helper")
        shutil.copy("/bin/true", helper)
        {run}

setup(name="demo", version="1", py_modules=[], cmdclass={{"build_ext": Generated}},
      ext_modules=[Extension("demo", [])])
"""


@pytest.mark.parametrize("run", ["subprocess.check_call([helper])", "self.spawn([helper])"])
@pytest.mark.parametrize("option", ["noexec", "exec"])
def test_a_sentence_names_tmpdir(run: str, option: str, tmp_path: Path) -> None:
    root, temporary = tmp_path / "root", tmp_path / "other"
    root.mkdir()
    temporary.mkdir()
    (root / "setup.py").write_text(SETUP.format(run=run))
    process = HookProcess(
        OURS,
        root,
        environment={"TMPDIR": str(temporary)},
        prefix=mounted(f'mount -t tmpfs -o {option} tmpfs "{temporary}"'),
    )
    (outcome,) = process(("build_wheel", {"wheel_directory": str(tmp_path / "out")}))
    if option == "exec":
        assert outcome.error == "", process.output
    else:
        assert outcome.error == "SystemExit"
        assert f"A program in {temporary}" in outcome.message
        assert "point TMPDIR to one that is not" in outcome.message
