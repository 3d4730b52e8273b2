"""A file that vanishes while an sdist is made, also where no shortcut is taken."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from backends import OURS, PLAIN, HookProcess
from isolated_backend.shadow.temporary import home

SETUP = """\
import os
from distutils.command.sdist import sdist as plain
from setuptools import setup
from setuptools.command import egg_info
from setuptools.command.sdist import sdist

def vanish():
    if os.path.exists("demo/one.py"):
        os.rename("demo/one.py", "one.moved")

{change}
setup(name="demo", version="1", packages=["demo"], cmdclass=cmdclass)
"""

VANISHES = {
    "before it is staged": """
class mine(sdist):
    def make_release_tree(self, base_dir, files):
        vanish()
        super().make_release_tree(base_dir, files)
cmdclass = {"sdist": mine}
""",
    "before it is staged by distutils": """
class mine(plain):
    def make_release_tree(self, base_dir, files):
        vanish()
        super().make_release_tree(base_dir, files)
cmdclass = {"sdist": mine}
""",
    "while others are": """
class mine(sdist):
    def copy_file(self, infile, outfile, **options):
        vanish()
        return super().copy_file(infile, outfile, **options)
cmdclass = {"sdist": mine}
""",
    "before the list is complete": """
original = egg_info.manifest_maker.add_license_files
def add_license_files(self):
    original(self)
    vanish()
egg_info.manifest_maker.add_license_files = add_license_files
cmdclass = {}
""",
    "between two parts of the list": """
original = egg_info.FileList.extend
def extend(self, names):
    names = list(names)
    if "demo/one.py" in names:
        vanish()
    original(self, names)
egg_info.FileList.extend = extend
cmdclass = {}
""",
}

LEFT_OUT = {
    "by the project": """
class mine(sdist):
    def copy_file(self, infile, outfile, **options):
        if not infile.endswith("one.py"):
            return super().copy_file(infile, outfile, **options)
cmdclass = {"sdist": mine}
""",
    "by a link that leads nowhere": """
os.rename("demo/one.py", "demo/one.txt")
os.symlink("none.py", "demo/one.py")
cmdclass = {}
""",
    "as it never was there": """
class mine(sdist):
    def make_distribution(self):
        self.filelist.files[self.filelist.files.index("demo/one.py")] = "demo/none.py"
        super().make_distribution()
cmdclass = {"sdist": mine}
""",
}


#: The directory is gone when setuptools, which has found it, asks which one it is.
SLOT_VANISHES = """
slot = os.path.join({home!r}, "other-12345678", "0", "gone")
os.makedirs(slot)
walk = os.walk
def vanishing(*args, **options):
    for found in walk(*args, **options):
        if found[0].endswith("gone") and os.path.isdir(slot):
            os.rmdir(slot)
        yield found
os.walk = vanishing
cmdclass = {{}}
"""


def build(
    backend: str, place: Path, change: str, template: str = "", **environment: str
) -> tuple[str, list[str]]:
    """Build an sdist; return the error, and the names in it."""
    root, out = place / backend, place / f"{backend}-out"
    (root / "demo").mkdir(parents=True, exist_ok=True)
    (root / "MANIFEST.in").write_text(template)
    out.mkdir()
    for name in ("__init__.py", "one.py", "two.py"):
        (root / "demo" / name).touch()
    (root / "setup.py").write_text(SETUP.format(change=change))
    process = HookProcess(backend, root, environment=environment)
    (outcome,) = process(("build_sdist", {"sdist_directory": str(out)}))
    if outcome.error:
        assert os.listdir(out) == []
        return outcome.message, []
    with tarfile.open(out / outcome.result) as sdist:
        return "", sdist.getnames()


@pytest.mark.parametrize("change", VANISHES.values(), ids=VANISHES)
def test_it_is_an_error_that_names_it(change: str, tmp_path: Path) -> None:
    """The control: setuptools makes an sdist without it."""
    error, _ = build(OURS, tmp_path, change)
    assert error.replace(os.sep, "/").startswith("isolated-backend: demo/one.py was there")
    error, names = build(PLAIN, tmp_path, change)
    assert not error
    assert "demo-1/demo/two.py" in names
    assert "demo-1/demo/one.py" not in names


@pytest.mark.parametrize("change", LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_is_left_out_on_purpose_is_left_out(change: str, tmp_path: Path) -> None:
    error, names = build(OURS, tmp_path, change)
    assert not error
    assert (error, names) == build(PLAIN, tmp_path, change)
    assert "demo-1/demo/two.py" in names
    assert "demo-1/demo/one.py" not in names


PACKAGE = """
from setuptools.command.build_py import build_py
class mine(build_py):
    def {method}(self, *arguments):
        if os.path.exists("demo"):
            os.rename("demo", "moved")
        return super().{method}(*arguments)
cmdclass = {{"build_py": mine}}
"""


@pytest.mark.parametrize("hook", ["build_sdist", "build_wheel"])
@pytest.mark.parametrize("method", ["find_data_files", "find_package_modules"])
def test_a_package_that_vanishes_is_not_just_empty(hook: str, method: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "demo").mkdir(parents=True, exist_ok=True)
    (root / "demo" / "__init__.py").touch()
    change = PACKAGE.format(method=method)
    (root / "setup.py").write_text(SETUP.format(change=change))
    process = HookProcess(OURS, root)
    directory = hook.replace("build_", "") + "_directory"
    (outcome,) = process((hook, {directory: str(tmp_path / "out")}))
    assert "'demo' does not exist" in outcome.message or "demo was there" in outcome.message
    assert not os.path.exists(tmp_path / "out") or os.listdir(tmp_path / "out") == []


@pytest.mark.parametrize("template", ["graft tmp\n", "graft .\n", "global-include *.py\n"])
def test_a_slot_in_the_tree_may_vanish(template: str, tmp_path: Path) -> None:
    """With TMPDIR in the root. The control: setuptools looks into what is there no more."""
    found = {}
    for backend in (OURS, PLAIN):
        temporary = tmp_path / backend / "tmp"
        temporary.mkdir(parents=True)
        change = SLOT_VANISHES.format(home=home(str(temporary)))
        found[backend] = build(backend, tmp_path, change, template, TMPDIR=str(temporary))
    error, names = found[OURS]
    assert not error
    assert not [name for name in names if "other" in name]
    error, _ = found[PLAIN]
    assert "No such file or directory" in error
