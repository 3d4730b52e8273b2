"""A setuptools that works in another way than the known ones: its own artifact, or an error."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from artifacts import particulars
from backends import OURS, PLAIN, HookProcess

#: By what changes: the module, and code to run in it, as if it stood there.
ALTERATIONS = {
    "install_lib copies with shutil": (
        "distutils.command.install_lib",
        """
import shutil
def install(self):
    shutil.copytree(self.build_dir, self.install_dir, dirs_exist_ok=True)
    return []
install_lib.install = install
""",
    ),
    "build_py makes nothing writable": (
        "setuptools.command.build_py",
        """
del make_writable
def build_package_data(self):
    for target, source in self._get_package_data_output_mapping():
        self.mkpath(os.path.dirname(target))
        self.copy_file(source, target)
build_py.build_package_data = build_package_data
""",
    ),
    "build_py makes writable by itself": (
        "setuptools.command.build_py",
        """
def build_package_data(self):
    for target, source in self._get_package_data_output_mapping():
        self.mkpath(os.path.dirname(target))
        self.copy_file(source, target)
        os.chmod(target, os.stat(target).st_mode | stat.S_IWRITE)
build_py.build_package_data = build_package_data
""",
    ),
    "build_py copies with shutil": (
        "distutils.command.build_py",
        """
import shutil
def build_module(self, module, module_file, package):
    target = self.get_module_outfile(self.build_lib, package.split("."), module)
    self.mkpath(os.path.dirname(target))
    shutil.copyfile(module_file, target)
    return target, True
build_py.build_module = build_module
""",
    ),
    "build_py adds a line to each module": (
        "distutils.command.build_py",
        """
original = build_py.byte_compile
def byte_compile(self, files):
    for file in files:
        if os.path.exists(file):
            times = os.stat(file)
            with open(file, "a") as opened:
                opened.write("built = True\\n")
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    original(self, files)
build_py.byte_compile = byte_compile
""",
    ),
    "build_py compares what it has made": (
        "distutils.command.build_py",
        """
original = build_py.byte_compile
def byte_compile(self, files):
    import hashlib
    for file in files:
        with open(file, "rb") as opened:
            hashlib.sha256(opened.read())
    original(self, files)
build_py.byte_compile = byte_compile
""",
    ),
    "bdist_wheel writes files in another way": (
        "setuptools.command.bdist_wheel",
        """
import inspect, textwrap
class WheelFile(WheelFile):
    def write_tree(self, base_dir):
        for directory, directories, files in os.walk(base_dir):
            directories.sort()
            for name in sorted(files):
                path = os.path.join(directory, name)
                self.write(path, os.path.relpath(path, base_dir))
code = textwrap.dedent(inspect.getsource(bdist_wheel.run)).replace("write_files", "write_tree")
exec(code)
bdist_wheel.run = run
""",
    ),
    "bdist_wheel has no write_files": (
        "setuptools.command.bdist_wheel",
        """
import inspect, textwrap
WheelFile.write_tree = WheelFile.write_files
del WheelFile.write_files
code = textwrap.dedent(inspect.getsource(bdist_wheel.run)).replace("write_files", "write_tree")
exec(code)
bdist_wheel.run = run
""",
    ),
    "WheelFile skips a file": (
        "setuptools.command.bdist_wheel",
        """
original = WheelFile.write
def write(self, filename, arcname=None, *arguments):
    if not arcname.endswith("one.json"):
        original(self, filename, arcname, *arguments)
WheelFile.write = write
""",
    ),
    "sdist has reproducible archives": (
        "distutils.archive_util",
        """
import tarfile
def make_tarball(base_name, base_dir, compress="gzip", **options):
    def anonymous(member):
        member.uname = member.gname = "nobody"
        return member
    with tarfile.open(base_name + ".tar.gz", "w:gz") as archive:
        archive.add(base_dir, filter=anonymous)
    return base_name + ".tar.gz"
ARCHIVE_FORMATS["gztar"] = (make_tarball, [("compress", "gzip")], "")
""",
    ),
    "sdist stages more": (
        "distutils.command.sdist",
        """
original = sdist.make_release_tree
def make_release_tree(self, base_dir, files):
    original(self, base_dir, files)
    with open(os.path.join(base_dir, "MORE"), "w") as file:
        file.write("more")
sdist.make_release_tree = make_release_tree
""",
    ),
    "sdist stages without copy_file": (
        "distutils.command.sdist",
        """
import shutil
def make_release_tree(self, base_dir, files):
    for file in files:
        if os.path.isfile(file):
            target = os.path.join(base_dir, file)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(file, target)
    self.distribution.metadata.write_pkg_info(base_dir)
sdist.make_release_tree = make_release_tree
""",
    ),
    "sdist has no make_release_tree": (
        "distutils.command.sdist",
        """
sdist.stage = sdist.make_release_tree
del sdist.make_release_tree
code = __import__("inspect").getsource(sdist.make_distribution)
exec(__import__("textwrap").dedent(code).replace("make_release_tree", "stage"))
sdist.make_distribution = make_distribution
""",
    ),
}

#: Those whose sdist is refused, as something is missing that has to be redirected.
REFUSED = {"sdist has no make_release_tree"}

#: Those that show only when the wheel has been made.
AGAIN = {
    "build_py makes writable by itself",
    "build_py adds a line to each module",
    "build_py compares what it has made",
    "bdist_wheel writes files in another way",
    "WheelFile skips a file",
}

HOOKS = {"build_sdist": "sdist", "build_wheel": "wheel"}


@pytest.fixture
def altered(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Return an environment with an altered setuptools."""
    module, code = ALTERATIONS[request.param]
    place = tmp_path / "altered"
    place.mkdir()
    (place / "sitecustomize.py").write_text(
        "import importlib, setuptools\n"
        f"module = importlib.import_module({module!r})\n"
        f"exec(compile({code!r}, module.__file__, 'exec'), vars(module))\n"
    )
    return {"PYTHONPATH": str(place)}


@pytest.mark.parametrize("altered", ALTERATIONS, indirect=True)
@pytest.mark.parametrize("hook", HOOKS)
def test_right_or_loud(
    hook: str,
    altered: dict[str, str],
    sample: Callable[[str], Path],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """The same artifact as without us; what the shortcut finds out, it says."""
    found, began = [], time.time()
    name = request.node.callspec.params["altered"]
    for backend in (PLAIN, OURS):
        root, out = sample("src_layout"), tmp_path / backend
        out.mkdir()
        process = HookProcess(backend, root, environment=altered)
        (outcome,) = process((hook, {f"{HOOKS[hook]}_directory": str(out)}))
        shutil.rmtree(root)
        if backend == OURS and name in REFUSED:
            assert "has no distutils.command.sdist.sdist.make_release_tree" in outcome.message
            assert os.listdir(out) == []
            return
        assert not outcome.error, process.output
        found.append(dict(particulars(out / outcome.result, began)))
    assert found[0] == found[1]
    if name in AGAIN and hook == "build_wheel":
        assert "Building again without shortcuts." in process.output
