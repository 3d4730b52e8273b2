"""A wheel's files: the same wheel whether they were copied to build_lib or not."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from backends import OURS, PLAIN, HookProcess
from isolated_backend.errors import ShortcutError, VanishedFileError
from isolated_backend.shortcuts.copies import Copies

if sys.platform == "win32":  # pragma: no cover
    pytest.skip("links and modes of POSIX", allow_module_level=True)

SETUP = """\
import os
from setuptools import setup, Extension
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build import build
from setuptools.command.build_py import build_py
from setuptools.command.install_lib import install_lib

options = {{}}
{changed}

setup(
    name="demo", version="1", packages=["demo", "demo.sub"], py_modules=["single"],
    package_data={{"demo": ["*.txt", "data/**", "*.py"], "demo.sub": ["mod.py"]}},
    scripts=["script"], data_files=[("share", ["shared.txt"])],
    **options
)
"""

CHANGES = {
    "nothing": "",
    "the run of egg_info": """
from setuptools.command.egg_info import egg_info
class mine(egg_info):
    pass
options["cmdclass"] = {"egg_info": mine}
""",
    "build_py": """
class mine(build_py):
    def run(self):
        super().run()
        path = os.path.join(self.build_lib, "demo", "__init__.py")
        with open(path, "a") as file:
            file.write("edited = True")
        os.utime(path, (1600000000, 1600000000))
options["cmdclass"] = {"build_py": mine}
""",
    "the directories of packages": """
class mine(build_py):
    def mkpath(self, name, *arguments):
        super().mkpath(name, *arguments)
        assert os.path.isdir(name)
options["cmdclass"] = {"build_py": mine}
""",
    "install_lib": """
class mine(install_lib):
    def install(self):
        assert os.path.exists(os.path.join(self.build_dir, "demo", "__init__.py"))
        return super().install()
options["cmdclass"] = {"install_lib": mine}
""",
    "bdist_wheel": """
class mine(bdist_wheel):
    def write_wheelfile(self, *arguments, **keywords):
        assert os.path.exists(os.path.join(self.bdist_dir, "demo", "__init__.py"))
        super().write_wheelfile(*arguments, **keywords)
options["cmdclass"] = {"bdist_wheel": mine}
""",
    "a step of its own": """
from setuptools import Command
class step(Command):
    user_options = []
    def initialize_options(self): pass
    def finalize_options(self): pass
    def run(self):
        lib = self.get_finalized_command("build").build_lib
        assert os.path.exists(os.path.join(lib, "demo", "__init__.py"))
class mine(build):
    sub_commands = [*build.sub_commands, ("step", None)]
options["cmdclass"] = {"build": mine, "step": step}
""",
    "a method from outside": """
original = build_py.build_module
def build_module(self, *arguments):
    copied = original(self, *arguments)
    assert os.path.exists(copied[0])
    return copied
build_py.build_module = build_module
""",
    "the archive": """
from setuptools.command import bdist_wheel as module
original = module.WheelFile.write
def write(self, filename, *arguments):
    assert "/src/" not in filename
    original(self, filename, *arguments)
module.WheelFile.write = write
""",
    "compiled files": """
with open("setup.cfg", "w") as file:
    file.write("[install_lib]\\noptimize = 1\\n")
""",
    "compiled files in build": """
with open("setup.cfg", "w") as file:
    file.write("[build_py]\\ncompile = 1\\n")
""",
    "namespace packages": 'options["namespace_packages"] = ["demo"]',
}

NOT_COPIED = {"nothing", "the run of egg_info"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project with every kind of file that copying treats in a way of its own."""
    root = tmp_path / "project"
    data = root / "demo" / "data" / "deep"
    data.mkdir(parents=True)
    (root / "demo" / "sub").mkdir()
    for name in ("demo/__init__.py", "demo/sub/__init__.py", "demo/sub/mod.py", "single.py"):
        (root / name).write_text(f"name = {name!r}\n")
    (root / "demo" / "__init__.py").write_text(
        "__import__('pkg_resources').declare_namespace(__name__)\n"
    )
    (root / "demo" / "executable.py").write_text("#!/usr/bin/env python\n")
    (root / "demo" / "executable.py").chmod(0o755)
    (root / "demo" / "private.py").touch(0o600)
    (root / "demo" / "plain.txt").write_text("plain")
    (root / "demo" / "read-only.txt").write_text("read-only")
    (root / "demo" / "read-only.txt").chmod(0o444)
    (root / "demo" / "special.txt").touch()
    (root / "demo" / "special.txt").chmod(0o4755)
    (root / "demo" / "link.txt").symlink_to("plain.txt")
    (root / "demo" / "linked.py").symlink_to("private.py")
    (data / "tool").write_text("#!/bin/sh\n")
    (data / "tool").chmod(0o755)
    (data.parent / "zz.bin").write_bytes(os.urandom(1000))
    (root / "script").write_text("#!/usr/bin/env python\n")
    (root / "shared.txt").touch()
    for path in root.rglob("*"):
        if path.is_file():
            os.utime(path, (1_600_000_000, 1_600_000_000))
    return root


def build(backend: str, root: Path, out: Path) -> tuple[Path, str]:
    copy = shutil.copytree(root, root.parent / "root", symlinks=True)
    out.mkdir()
    process = HookProcess(backend, copy)
    (outcome,) = process(("build_wheel", {"wheel_directory": str(out)}))
    shutil.rmtree(copy)
    assert not outcome.error, process.output
    return out / outcome.result, process.output


def everything(wheel: Path) -> list[dict[str, object]]:
    """Return all that the archive says of its members, but the times of what setuptools makes."""
    found = []
    with zipfile.ZipFile(wheel) as opened:
        for member in opened.infolist():
            made = ".dist-info/" in member.filename or member.filename.endswith(
                (".pyc", ".pth", "/script")
            )
            said = {
                name: getattr(member, name)
                for name in ("filename", "compress_type", "external_attr", "extra", "flag_bits")
            }
            content = None if member.filename.endswith(".pyc") else opened.read(member)
            found.append(said | {"time": None if made else member.date_time, "content": content})
    return found


@pytest.mark.parametrize(
    ("changed", "umask"),
    [*((changed, 0o022) for changed in CHANGES), ("nothing", 0o077), ("nothing", 0o002)],
)
def test_the_wheel_is_setuptools_own(changed: str, umask: int, root: Path, tmp_path: Path) -> None:
    (root / "setup.py").write_text(SETUP.format(changed=CHANGES[changed]))
    before = os.umask(umask)
    try:
        theirs, said = build(PLAIN, root, tmp_path / "plain")
        ours, ours_said = build(OURS, root, tmp_path / "ours")
    finally:
        os.umask(before)
    assert ours.name == theirs.name
    if changed.startswith("compiled"):  # .pyc hold times and paths, so RECORD differs with them
        assert [each["filename"] for each in everything(ours)] == [
            each["filename"] for each in everything(theirs)
        ]
    else:
        assert everything(ours) == everything(theirs)
    # setuptools says of each file that it copies it; of one that stays there is nothing to say.
    assert "copying demo/plain.txt" in said
    assert ("copying demo/plain.txt" in ours_said) == (changed not in NOT_COPIED)
    if changed in NOT_COPIED:
        assert "again without shortcuts" not in ours_said


@pytest.fixture
def lib(tmp_path: Path) -> Path:
    """Return the directory that setuptools copies files to."""
    lib = tmp_path / "lib"
    lib.mkdir()
    return lib


@pytest.fixture
def copies(tmp_path: Path, lib: Path) -> Copies:
    """Return copies that know what one looks like."""
    copies = Copies(str(lib))
    for kind, mode in ((False, 0o604), (True, 0o600)):
        source, target = tmp_path / f"sample-{kind}", lib / f"sample-{kind}"
        for path in (source, target):
            path.touch(mode)
            os.utime(path, (1_600_000_000, 1_600_000_000))
        assert not copies.put_off(str(source), str(target), preserve_mode=kind)
        copies.learn(str(source), str(target), preserve_mode=kind)
    return copies


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "a.py"
    source.write_text("a")
    source.chmod(0o640)
    os.utime(source, (1_600_000_000, 1_600_000_000))
    return source


class Wheel:
    """A wheel that remembers what is written to it, and to which something can happen."""

    record_path = "RECORD"

    def __init__(self, happens: Callable[[], object] | None = None) -> None:
        self.members: dict[str, str] = {}
        self.also: list[str] = []
        self.happens = happens

    def write(self, path: str, name: str) -> None:
        """Write a member."""
        if name.startswith("sample-False"):
            (self.happens or str)()
        self.members[name] = path

    def namelist(self) -> list[str]:
        """Return the names of the members."""
        return [*self.members, *self.also]


def written(copies: Copies, lib: Path, wheel: Wheel | None = None) -> dict[str, str]:
    """Write a wheel after what setuptools has copied has been installed; return its members."""
    wheel, out = wheel or Wheel(), lib.with_name("out")
    if not out.exists():
        shutil.copytree(lib, out)
    copies.write(wheel, str(out))
    return wheel.members


def test_what_is_copied_once_more_has_to_be_copied_first(
    copies: Copies, source: Path, lib: Path
) -> None:
    """Where there is a copy that is as new, setuptools makes no other."""
    for name in ("a.py", "b.py"):
        assert copies.put_off(str(source), str(lib / name), preserve_mode=True)
    assert copies.take_back(str(lib / "a.py")) == (str(source), True)
    assert copies.take_back(str(lib / "a.py")) is None
    assert str(lib / "a.py") not in copies
    assert "a.py" not in written(copies, lib)


def test_a_sample_is_looked_at_before_another_copy_takes_its_place(
    copies: Copies, source: Path, lib: Path
) -> None:
    """As with ``[build_py] force`` and modules that are package data, too."""
    assert copies.put_off(str(source), str(lib / "a.py"), preserve_mode=True)
    sample = lib / "sample-True"
    for mode in (0o604, 0o644):  # and only once: what takes its place is a copy of another kind
        assert copies.take_back(str(sample)) is None
        sample.chmod(mode)
    assert "a.py" in written(copies, lib)


def test_a_sample_that_is_more_than_a_copy_when_another_takes_its_place_disproves_it(
    copies: Copies, lib: Path
) -> None:
    (lib / "sample-False").write_text("edited")
    with pytest.raises(ShortcutError, match=r"more of .*sample-False than a copy"):
        copies.take_back(str(lib / "sample-False"))


def test_files_come_before_directories_and_metadata_last(
    copies: Copies, source: Path, lib: Path
) -> None:
    """As setuptools writes them."""
    metadata = lib / "a-1.dist-info" / "licenses" / "LICENSE"
    metadata.parent.mkdir(parents=True)
    for path in (metadata, *(metadata.parents[1] / name for name in ("WHEEL", "METADATA"))):
        path.touch()
    names = ["a.py", "z.py", "a/z.py", "a/b/c.py", "a-b/c.py", "ab/c.py"]
    for name in reversed(names):
        assert copies.put_off(str(source), str(lib / name), preserve_mode=True)
    found = [name for name in written(copies, lib) if not name.startswith("sample")]
    assert found == [
        *("a.py", "z.py", "a/z.py", "a/b/c.py", "a-1.dist-info/licenses/LICENSE"),
        *("a-b/c.py", "ab/c.py", "a-1.dist-info/METADATA", "a-1.dist-info/WHEEL"),
    ]


def test_the_mode_of_a_new_file_is_learned_from_one(
    copies: Copies, source: Path, lib: Path
) -> None:
    assert not Copies(str(lib)).put_off(str(source), str(lib / "1"), preserve_mode=False)
    source.chmod(0o604)
    assert copies.put_off(str(source), str(lib / "2"), preserve_mode=False)
    source.chmod(0o644)
    assert not copies.put_off(str(source), str(lib / "3"), preserve_mode=False)


def test_a_member_too_many_disproves_it(copies: Copies, source: Path, lib: Path) -> None:
    assert copies.put_off(str(source), str(lib / "a.py"), preserve_mode=True)
    wheel = Wheel()
    wheel.also = ["a.py"]
    with pytest.raises(ShortcutError, match="just one member"):
        written(copies, lib, wheel)


def test_a_member_that_is_missing_disproves_it(
    copies: Copies, source: Path, lib: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert copies.put_off(str(source), str(lib / "a.py"), preserve_mode=True)
    monkeypatch.setattr(Wheel, "write", lambda *_: None)
    with pytest.raises(ShortcutError, match="just one member"):
        written(copies, lib)


def change(source: Path) -> None:
    source.write_text("b")


def replace(source: Path) -> None:
    other = source.with_name("other")
    shutil.copy2(source, other)
    other.rename(source)


def remove(source: Path) -> None:
    source.unlink()


def make_a_pipe(source: Path) -> None:
    source.unlink()
    os.mkfifo(source)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
@pytest.mark.parametrize(
    ("touch", "error"),
    [
        (change, ShortcutError),
        (replace, ShortcutError),
        (remove, VanishedFileError),
        (make_a_pipe, VanishedFileError),
    ],
)
def test_a_file_that_does_not_stay_as_it_was_disproves_it(
    touch: Callable[[Path], None],
    error: type[Exception],
    when: str,
    copies: Copies,
    source: Path,
    lib: Path,
) -> None:
    """Before it is written, and as long as others are being written."""
    assert copies.put_off(str(source), str(lib / "a.py"), preserve_mode=True)
    wheel = Wheel(lambda: touch(source) if when == "meanwhile" else None)
    if when == "before":
        touch(source)
    with pytest.raises(error, match=r"a\.py"):
        written(copies, lib, wheel)
    assert ("a.py" in wheel.members) == (when == "meanwhile")


@pytest.mark.parametrize("name", ["sample-False", "sample-True"])
@pytest.mark.parametrize("how", ["content", "mode", "time", "missing"])
def test_copies_that_are_more_than_that_disprove_it(
    name: str, how: str, copies: Copies, lib: Path
) -> None:
    assert len(written(copies, lib)) == 2
    sample = lib.with_name("out") / name
    if how == "mode":
        sample.chmod(0o644)
    elif how == "missing":
        sample.unlink()
    else:
        sample.write_text("more" * (how == "content"))
        moment = 1_600_000_000 + (how == "time")
        os.utime(sample, (moment, moment))
    with pytest.raises(ShortcutError, match=f"more of .*{name} than a copy"):
        written(copies, lib)


def test_a_file_that_setuptools_copies_otherwise_disproves_it(
    copies: Copies, source: Path, lib: Path
) -> None:
    assert copies.put_off(str(source), str(lib / "a.py"), preserve_mode=True)
    (lib / "a.py").touch()
    with pytest.raises(ShortcutError, match="in a way that is not known"):
        written(copies, lib)


def test_a_file_that_is_copied_elsewhere_is_copied(copies: Copies, source: Path, lib: Path) -> None:
    elsewhere = str(lib / ".." / "elsewhere.py")
    assert not copies.put_off(str(source), elsewhere, preserve_mode=True)


def test_a_wheel_of_data_alone_has_it(tmp_path: Path) -> None:
    """No module shows the mode of a new file, so nothing makes ``build_lib`` but its directory."""
    root = tmp_path / "project"
    (root / "demo" / "deep").mkdir(parents=True)
    for name in ("one.txt", "deep/two.txt"):
        (root / "demo" / name).write_text(name)
        os.utime(root / "demo" / name, (1_600_000_000, 1_600_000_000))
    (root / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1"\n'
        '[tool.setuptools]\npackages = ["demo"]\npackage-data = {demo = ["**"]}\n'
    )
    theirs, _ = build(PLAIN, root, tmp_path / "plain")
    ours, _ = build(OURS, root, tmp_path / "ours")
    assert everything(ours) == everything(theirs)
    assert {"demo/one.txt", "demo/deep/two.txt"} <= {each["filename"] for each in everything(ours)}
