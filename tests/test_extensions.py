"""Extensions built at the same time: the same binaries as one after the other."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import pytest

from backends import OURS, PLAIN, HookProcess

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")

SETUP = """\
import os
import threading
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

together = threading.Barrier(4 if os.environ.get("TOGETHER") else 1, timeout=60)

class mine(build_ext):
    def finalize_options(self):
        super().finalize_options()
        self.parallel = 4 if os.environ.get("TOGETHER") else None

    def build_extension(self, ext):
        before = self.build_temp
        assert os.path.basename(before).startswith("temp.")
        super().build_extension(ext)
        assert self.build_temp == before
        assert all(os.path.exists(name) for name in self._built_objects)

    # setuptools asks for this when all is compiled and nothing is linked
    def get_libraries(self, ext):
        together.wait()
        with open(os.path.join("{record}", ext.name), "w") as file:
            file.write(self.build_temp)
        return super().get_libraries(ext)

def extension(name, *sources):
    word = [("WORD", '"' + name + '"')]
    return Extension(name, list(sources), define_macros=word)

setup(
    name="demo", version="1", packages=[], cmdclass={{"build_ext": mine}},
    ext_modules=[
        extension("a", "b/x.c", "../common/y.c"),
        extension("a.b", "b/x.c", "../common/y.c"),
        extension("c", "b/x.c"),
        extension("d", "b/x.c"),
    ],
)
"""


def project(tmp_path: Path) -> Path:
    """Write a project with two shared sources, one of them outside of its root."""
    root, record, common = tmp_path / "root", tmp_path / "record", tmp_path / "common"
    for directory in (root / "b", record, common):
        directory.mkdir(parents=True)
    (root / "setup.py").write_text(SETUP.format(record=record))
    (root / "b" / "x.c").write_text("const char *x(void) { return WORD; }\n")
    (common / "y.c").write_text("const char *y(void) { return WORD; }\n")
    return root


def extensions(backend: str, root: Path, out: Path, **environment: str) -> dict[str, bytes]:
    """Return the extensions in the wheel that *backend* builds."""
    process = HookProcess(backend, root, environment=environment)
    (outcome,) = process(("build_wheel", {"wheel_directory": str(out)}))
    assert not outcome.error, process.output
    with zipfile.ZipFile(out / outcome.result) as wheel:
        names = [name for name in wheel.namelist() if name.endswith((".so", ".pyd"))]
        return {name: wheel.read(name) for name in names}


def test_together_they_are_what_setuptools_makes_one_after_the_other(tmp_path: Path) -> None:
    root = project(tmp_path)
    right = extensions(PLAIN, root, tmp_path / "plain")
    shutil.rmtree(root / "build")
    assert len(right) == len(set(right.values())) == 4

    assert extensions(OURS, root, tmp_path / "ours", TOGETHER="1") == right
    places = {path.name: path.read_text() for path in (tmp_path / "record").iterdir()}
    assert len(set(places.values())) == 4
    # The control: the same objects, all of them linked when the last has been compiled.
    assert extensions(PLAIN, root, tmp_path / "collided", TOGETHER="1") != right


def test_one_after_the_other_the_objects_are_where_setuptools_has_them(tmp_path: Path) -> None:
    root = project(tmp_path)
    plain = extensions(PLAIN, root, tmp_path / "plain")
    (place,) = {path.read_text() for path in (tmp_path / "record").iterdir()}
    shutil.rmtree(root / "build")

    assert extensions(OURS, root, tmp_path / "ours") == plain
    (ours,) = {path.read_text() for path in (tmp_path / "record").iterdir()}
    assert ours.endswith(f"/0{root}/{place}")


def test_objects_of_sources_outside_of_the_root_stay_in_the_shadow(tmp_path: Path) -> None:
    root = project(tmp_path)

    extensions(OURS, root, tmp_path / "ours", TOGETHER="1", ISOLATED_BACKEND_KEEP="1")

    (slot,) = (tmp_path / "temporary").glob("isolated-backend.*/*/0")
    paths = {str(path.relative_to(slot)) for path in slot.rglob("*.o*")}
    objects = {re.sub(rf".*{root}/build/temp[^/]*/|\.o\w*$", "", f"/{path}") for path in paths}
    assert objects == {
        *("extension.a/b/x", "extension.a/=/common/y", "extension.a.b/b/x"),
        *("extension.a.b/=/common/y", "extension.c/b/x", "extension.d/b/x"),
    }
