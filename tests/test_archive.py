"""An sdist's archive: the same whether its files were staged or not."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from backends import OURS, PLAIN, HookProcess
from calls import call_on
from isolated_backend import redirect
from isolated_backend.redirect.replacement import is_setuptools_own
from isolated_backend.shortcuts import archive

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
    "what tarfile adds": """
import tarfile
original = tarfile.TarFile.add
def add(self, name, *arguments, **options):
    if not name.endswith("empty"):
        original(self, name, *arguments, **options)
tarfile.TarFile.add = add
cmdclass = {}
""",
    "how tarfile describes it": """
import tarfile
class Member(tarfile.TarInfo):
    def get_info(self):
        return super().get_info() | {"uname": "somebody"}
tarfile.TarFile.tarinfo = Member
cmdclass = {}
""",
    "the format of tarfile": """
import tarfile
tarfile.TarFile.format = tarfile.GNU_FORMAT
cmdclass = {}
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
    (files / "larger").write_bytes(bytes((1 << 20) + 1))
    (files / ("long" * 40)).write_text("a name that needs an extended header")
    (files / "umlaut-ä").write_text("ä")
    os.link(files / "deep.txt", files / "hard-link.both")
    (files / "link").symlink_to("deep.txt")
    (files / "dangling").symlink_to("nowhere")
    whole, fraction = 1_600_000_000 * 10**9, 1_600_000_000 * 10**9 + 123_456_789
    for path in sorted(root.rglob("*")):
        if path.is_file():
            time = fraction if path.name in ("large", "larger", "executable") else whole
            os.utime(path, ns=(time, time))
    return root


def build(backend: str, root: Path, out: Path) -> tuple[Path, str]:
    out.mkdir()
    process = HookProcess(backend, root)
    (outcome,) = process(("build_sdist", {"sdist_directory": str(out)}))
    assert not outcome.error, process.output
    return out / outcome.result, process.output


def everything(sdist: Path) -> list[dict[str, object]]:
    """Return all that the archive says of its members, but the times of what setuptools makes."""
    found = []
    with tarfile.open(sdist) as opened:
        for member in opened:
            file = opened.extractfile(member)
            said: dict[str, object] = {
                **member.get_info(),
                "pax": sorted(member.pax_headers),
                "chksum": None,
            }
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
    assert "copying files/larger" in ours_said
    assert archive.SAMPLE not in ours_said


def test_a_file_that_cannot_be_read_is_a_clear_error(root: Path, tmp_path: Path) -> None:
    (root / "setup.py").write_text(SETUP.format(overrides=OVERRIDES["nothing"]))
    (root / "setup.py").write_text(
        (root / "setup.py")
        .read_text()
        .replace("import os, sys", "import builtins, isolated_backend.shortcuts.archive, os, sys")
        .replace(
            "setup(name",
            """
def refuse(name, *arguments, **options):
    if name == os.path.join("files", "empty"):
        raise PermissionError(13, "Permission denied", name)
    return open(name, *arguments, **options)
isolated_backend.shortcuts.archive.open = refuse
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


def staging_of(tmp_path: Path, *, fraction: int = 500_000_000) -> str:
    """Return a staging directory with nothing but a sample, and with what staging leaves of it."""
    staging = tmp_path / str(fraction) / "demo-1"
    staging.mkdir(parents=True)
    os.utime(archive.make_sample(str(staging)), ns=(0, 10**9 + fraction))
    return str(staging)


def no_skips(name: str) -> None:
    raise AssertionError(f"{name} is skipped")


def test_fractions_are_lost_where_staging_loses_them(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does up to setuptools 80 or so; it rounds down, before 1970, too."""
    monkeypatch.chdir(root)
    os.utime("files/executable", ns=(0, -750_000_000))
    made = str(tmp_path / "made.tar.gz")
    for fraction, large, old in (
        (0, 1_600_000_000, -1),
        (500_000_000, 1_600_000_000.1234567, -0.75),
    ):
        staging = staging_of(tmp_path, fraction=fraction)
        archive.write(made, staging, ["files/executable", "files/large"], no_skips)
        with tarfile.open(made) as opened:
            assert opened.getmember("demo-1/files/large").mtime == pytest.approx(large, abs=1e-5)
            assert opened.getmember("demo-1/files/executable").mtime == old
            assert f"demo-1/{archive.SAMPLE}" not in opened.getnames()


def _replace_by_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _replace_by_a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _replace_its_directory(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.touch()


VANISHES = {
    "removed": Path.unlink,
    "a pipe": _replace_by_a_pipe,
    "a directory": _replace_by_a_directory,
    "its directory": _replace_its_directory,
}


@pytest.mark.parametrize("replace", VANISHES.values(), ids=VANISHES)
def test_what_has_ceased_to_be_a_file_is_left_out(
    replace: Callable[[Path], None], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Setuptools skips it, too; a pipe would be waited for for ever."""
    monkeypatch.chdir(root)
    name, kept = os.path.join("files", "deep", "er", "text"), os.path.join("demo", "__init__.py")
    streamed = archive.without_staging([name, kept])
    assert streamed == {name, kept}
    replace(root / name)
    made, skipped = str(tmp_path / "made.tar.gz"), list[str]()
    archive.write(made, staging_of(tmp_path), streamed, skipped.append)
    assert skipped == [name]
    with tarfile.open(made) as opened:
        assert [member.name for member in opened if member.isfile()] == ["demo-1/demo/__init__.py"]


@pytest.mark.parametrize("size", [0, 100, 3 << 20], ids=["emptied", "cut", "grown"])
def test_a_file_of_another_size_is_what_it_is_when_it_is_read(
    size: int, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    streamed = archive.without_staging(["files/large"])
    os.truncate("files/large", size)
    made = str(tmp_path / "made.tar.gz")
    archive.write(made, staging_of(tmp_path), streamed, no_skips)
    with tarfile.open(made) as opened:
        file = opened.extractfile("demo-1/files/large")
        assert file is not None
        assert file.read() == (root / "files" / "large").read_bytes()


def test_an_sdist_is_made_while_a_file_goes(root: Path, tmp_path: Path) -> None:
    """Coverage, a log, a test run beside it: files come and go."""
    (root / "setup.py").write_text(
        SETUP.format(
            overrides="""
import isolated_backend.shortcuts.archive as archive
make_sample = archive.make_sample
def at_the_last_moment(directory):
    os.remove("files/empty")
    return make_sample(directory)
archive.make_sample = at_the_last_moment
cmdclass = {}
"""
        )
    )
    made, said = build(OURS, root, tmp_path / "ours")
    assert "'files/empty' not a regular file -- skipping" in said
    with tarfile.open(made) as opened:
        assert "demo-1.dev0/files/empty" not in opened.getnames()
        assert "demo-1.dev0/files/deep.txt" in opened.getnames()


def test_whoever_has_replaced_a_function_sees_all_files(tmp_path: Path) -> None:
    from setuptools import Distribution
    from setuptools.command.sdist import sdist

    command = sdist(Distribution({"name": "demo", "version": "1"}))
    with redirect.redirected(call_on(tmp_path)):
        assert is_setuptools_own(command, "make_distribution", "copy_file")
        command.copy_file = print
        assert not is_setuptools_own(command, "make_distribution", "copy_file")


if sys.platform == "win32":  # pragma: no cover
    pytest.skip("links and modes of POSIX", allow_module_level=True)
