"""An sdist's archive: the same whether its files were staged or not."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from backends import OURS, PLAIN, HookProcess
from isolated_backend import archive, redirect
from isolated_backend.redirect.replacement import is_setuptools_own
from isolated_backend.shadow import Shadow

SETUP = """\
import os, sys
from setuptools import setup
from setuptools.command.sdist import sdist

{overrides}

setup(name="demo", version="1", packages=["demo"], cmdclass=cmdclass)
"""

OVERRIDES = {
    "nothing": "cmdclass = {}",
    "the run of sdist": """
class mine(sdist):
    def run(self):
        super().run()
cmdclass = {"sdist": mine}
""",
    "make_release_tree": """
class mine(sdist):
    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        path = os.path.join(base_dir, "demo", "__init__.py")
        with open(path, "a") as file:
            file.write("edited = True")
        os.utime(path, (1, 1))
cmdclass = {"sdist": mine}
""",
    "make_distribution": """
class mine(sdist):
    def make_distribution(self):
        super().make_distribution()
cmdclass = {"sdist": mine}
""",
    "copy_file": """
class mine(sdist):
    def copy_file(self, infile, outfile, **options):
        print("COPIED", infile)
        return super().copy_file(infile, outfile, **options)
cmdclass = {"sdist": mine}
""",
    "the distutils function": """
from distutils import archive_util
original = archive_util.make_tarball
def make_tarball(*arguments, **options):
    return original(*arguments, **options)
archive_util.make_tarball = make_tarball
cmdclass = {}
""",
    "one object": """
class mine(sdist):
    def run(self):
        original = self.make_archive
        self.make_archive = lambda *arguments, **options: original(*arguments, **options)
        super().run()
cmdclass = {"sdist": mine}
""",
    "the formats": """
class mine(sdist):
    def finalize_options(self):
        super().finalize_options()
        self.formats = ["zip", "gztar"]
    def run(self):
        super().run()
        self.archive_files.sort()
cmdclass = {"sdist": mine}
""",
}

STREAMED = {"nothing", "the run of sdist"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project with every kind of file that staging treats in a way of its own."""
    root = tmp_path / "project"
    package = root / "demo"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("x = 1\n")
    (root / "setup.cfg").write_text("[egg_info]\ntag_build = .dev\n")
    (root / "MANIFEST.in").write_text("graft files\nglobal-include *.both\n")
    files = root / "files"
    (files / "deep" / "er").mkdir(parents=True)
    (files / "deep" / "er" / "text").write_text("deep")
    (files / "deep.txt").write_text("sorts between a directory and what is in it")
    (files / "executable").write_text("#!/bin/sh\n")
    (files / "executable").chmod(0o755)
    (files / "read-only").write_text("read-only")
    (files / "read-only").chmod(0o400)
    (files / "special").write_text("special")
    (files / "special").chmod(0o4755)
    (files / "empty").touch()
    (files / "large").write_bytes(os.urandom(300_000))
    (files / ("long" * 40)).write_text("a name that needs an extended header")
    (files / "umlaut-ä").write_text("ä")
    os.link(files / "deep.txt", files / "hard-link.both")
    (files / "link").symlink_to("deep.txt")
    (files / "dangling").symlink_to("nowhere")
    whole, fraction = 1_600_000_000 * 10**9, 1_600_000_000 * 10**9 + 123_456_789
    for path in sorted(root.rglob("*")):
        if path.is_file():
            time = fraction if path.name in ("large", "executable") else whole
            os.utime(path, ns=(time, time))
    return root


def build(backend: str, root: Path, out: Path) -> tuple[Path, str]:
    out.mkdir()
    process = HookProcess(backend, root)
    (outcome,) = process(("build_sdist", {"sdist_directory": str(out)}))
    assert not outcome.error, process.output
    return out / outcome.result, process.output


def everything(sdist: Path) -> list[dict[str, Any]]:
    """Return all that the archive says of its members, but the times of what setuptools makes."""
    found = []
    with tarfile.open(sdist) as opened:
        for member in opened:
            file = opened.extractfile(member)
            said = member.get_info() | {"pax": sorted(member.pax_headers), "chksum": None}
            if member.isdir() or "egg-info" in member.name or member.name.endswith(MADE):
                said.pop("mtime")
            found.append(said | {"content": file.read() if file else None})
    return found


MADE = ("PKG-INFO", "setup.cfg")


@pytest.mark.parametrize("overridden", OVERRIDES)
def test_the_archive_is_setuptools_own(overridden: str, root: Path, tmp_path: Path) -> None:
    (root / "setup.py").write_text(SETUP.format(overrides=OVERRIDES[overridden]))
    theirs, said = build(PLAIN, root, tmp_path / "plain")
    shutil.rmtree(root / "demo.egg-info")
    ours, ours_said = build(OURS, root, tmp_path / "ours")
    assert ours.name == theirs.name
    if ours.name.endswith(".tar.gz"):
        assert everything(ours) == everything(theirs)
    # Staging says of each file that it copies it; of a streamed one there is nothing to say.
    assert "copying files/deep.txt" in said
    assert ("copying files/deep.txt" in ours_said) == (overridden not in STREAMED)


def test_a_file_that_cannot_be_read_is_a_clear_error(root: Path, tmp_path: Path) -> None:
    (root / "setup.py").write_text(SETUP.format(overrides=OVERRIDES["nothing"]))
    (root / "setup.py").write_text(
        (root / "setup.py")
        .read_text()
        .replace("import os, sys", "import builtins, isolated_backend.archive, os, sys")
        .replace(
            "setup(name",
            """
def refuse(name, *arguments, **options):
    if name == os.path.join("files", "empty"):
        raise PermissionError(13, "Permission denied", name)
    return open(name, *arguments, **options)
isolated_backend.archive.open = refuse
setup(name""",
        )
    )
    (tmp_path / "out").mkdir()
    process = HookProcess(OURS, root)
    (outcome,) = process(("build_sdist", {"sdist_directory": str(tmp_path / "out")}))
    assert outcome.error == "SystemExit"
    assert "Permission denied: 'files/empty'" in outcome.message
    assert os.listdir(tmp_path / "out") == []


def test_names_that_lead_elsewhere_are_all_left_to_setuptools(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    plain = os.path.join("demo", "__init__.py")
    assert archive.without_staging([plain, "files/special", "files/none"]) == {plain}
    for odd in (os.pardir + "/other", str(root / "setup.cfg"), "./setup.cfg", "demo//x"):
        assert archive.without_staging([plain, odd]) == set()


def test_the_example_shows_what_becomes_of_fractions(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    whole = ["files/read-only", "demo/__init__.py"]
    assert archive.example_of(whole) == "demo/__init__.py"
    assert archive.example_of([*whole, "files/executable"]) == "files/executable"


def test_fractions_are_lost_where_staging_loses_them(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does up to setuptools 80 or so."""
    monkeypatch.chdir(root)
    whole = 1_600_000_000
    for example, fraction in (("executable", 0), ("large", 123_456_789)):
        staging = tmp_path / example / "demo-1"
        target = staging / "files" / example
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
        os.utime(target, ns=(0, whole * 10**9 + fraction))
        made = tmp_path / f"{example}.tar.gz"
        others = {"files/executable", "files/large"} - {f"files/{example}"}
        archive.write(str(made), str(staging), others, f"files/{example}")
        with tarfile.open(made) as opened:
            (other,) = (opened.getmember(f"demo-1/{name}") for name in others)
            assert (other.mtime == whole) == (fraction == 0)
            assert int(other.mtime) == whole


def test_whoever_has_replaced_a_function_sees_all_files(tmp_path: Path) -> None:
    from setuptools import Distribution
    from setuptools.command.sdist import sdist

    shadow = Shadow(str(tmp_path), str(tmp_path / "place"), "/nowhere")
    command = sdist(Distribution({"name": "demo", "version": "1"}))
    with redirect.redirected(shadow, "build_sdist"):
        assert is_setuptools_own(command, "make_distribution", "copy_file")
        command.copy_file = print
        assert not is_setuptools_own(command, "make_distribution", "copy_file")


if sys.platform == "win32":  # pragma: no cover
    pytest.skip("links and modes of POSIX", allow_module_level=True)
