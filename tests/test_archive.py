"""An sdist's archive: the same whether its files were staged or not."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backends import OURS, PLAIN, HookProcess
from calls import call_on
from isolated_backend import redirect
from isolated_backend.errors import ShortcutError, VanishedFileError
from isolated_backend.redirect.replacement import is_setuptools_own
from isolated_backend.shortcuts import archive
from isolated_backend.shortcuts import sdist as shortcut

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

STREAMED = {"nothing", "the run of sdist", "how tarfile describes it", "the format of tarfile"}


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


def everything(sdist: Path) -> list[dict[str, Any]]:
    """Return all that the archive says of its members, but the times of what setuptools makes."""
    found = []
    with tarfile.open(sdist) as opened:
        for member in opened:
            file = opened.extractfile(member)
            said = dict(member.get_info()) | {"pax": sorted(member.pax_headers), "chksum": None}
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
    assert "/sample" not in ours_said


def test_a_file_that_cannot_be_read_is_a_clear_error(root: Path, tmp_path: Path) -> None:
    changed = """
original = os.open
def refuse(name, *arguments, **options):
    if name == os.path.join("files", "empty"):
        raise PermissionError(13, "Permission denied", name)
    return original(name, *arguments, **options)
os.open = refuse
cmdclass = {}
"""
    (root / "setup.py").write_text(SETUP.format(overrides=changed))
    (tmp_path / "out").mkdir()
    process = HookProcess(OURS, root)
    (outcome,) = process(("build_sdist", {"sdist_directory": str(tmp_path / "out")}))
    assert outcome.error == "SystemExit"
    assert "Permission denied: 'files/empty'" in outcome.message
    assert os.listdir(tmp_path / "out") == []


def test_names_that_lead_elsewhere_are_all_left_to_setuptools(tmp_path: Path) -> None:
    call = call_on(tmp_path / "root")
    plain = os.path.join("demo", "__init__.py")
    call.listed = {plain: 0o100644, "special": 0o104755, "directory": 0, "setup.cfg": 0o100644}
    listed = [*call.listed, "unknown"]
    assert shortcut._streamed(call, listed) == {plain: 0o100644}
    for odd in (os.pardir + "/other", str(tmp_path / "setup.cfg"), "./setup.cfg", "demo//x"):
        assert shortcut._streamed(call, [*listed, odd]) == {}


SAMPLE = os.path.join("files", "empty")


@pytest.fixture
def staged(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in the root; return an archive of what has been staged: a sample."""
    monkeypatch.chdir(root)
    return pack(tmp_path)


def pack(place: Path) -> Path:
    """Stage the sample, and make an archive as setuptools does."""
    copy = place / "stage" / "demo-1" / SAMPLE
    if not copy.parent.exists():
        copy.parent.mkdir(parents=True)
        shutil.copy2(SAMPLE, copy)
    made = place / "made.tar.gz"
    with tarfile.open(str(made), "w|gz") as opened:
        opened.add(place / "stage" / "demo-1", "demo-1")
    return made


@pytest.mark.parametrize("how", ["content", "mode", "time", "kind", "none", "headers"])
def test_a_sample_shows_if_setuptools_makes_more_than_a_copy(
    how: str, staged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "stage" / "demo-1" / SAMPLE
    if how == "content":
        copy.write_text("more")
        shutil.copystat(SAMPLE, copy)
    elif how == "mode":
        copy.chmod(0o755)
    elif how == "time":
        os.utime(copy, (1, 1))
    elif how != "headers":
        copy.unlink()
        if how == "kind":
            copy.symlink_to("nowhere")
    else:
        monkeypatch.setattr(tarfile.TarFile, "pax_headers", {"comment": "more"}, raising=False)
        original = tarfile.TarFile.gettarinfo

        def gettarinfo(self: tarfile.TarFile, *arguments: Any) -> Any:
            member = original(self, *arguments)
            member.pax_headers = {**member.pax_headers, "comment": "more"}
            return member

        monkeypatch.setattr(tarfile.TarFile, "gettarinfo", gettarinfo)
    pack(tmp_path)
    with pytest.raises(ShortcutError, match=r"more of files.empty than a copy"):
        archive.complete(str(staged), SAMPLE, modes("files/large"))
    assert not staged.exists()


def test_whatever_setuptools_does_to_the_owner_it_does_to_all(staged: Path) -> None:
    def of_somebody(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uname = "somebody"
        return member

    with tarfile.open(staged, "w:gz") as opened:
        opened.add(staged.parent / "stage" / "demo-1", "demo-1", filter=of_somebody)
    archive.complete(str(staged), SAMPLE, modes("files/large"))
    with tarfile.open(staged) as opened:
        assert {member.uname for member in opened} == {"somebody"}


def test_a_file_with_a_fraction_of_a_second_is_the_best_sample(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in "abc"]
    for path in paths:
        Path(path).touch()
        os.utime(path, ns=(0, 10**9 + (path == paths[1])))
    assert archive.one_to_stage(paths) == paths[1]
    assert archive.one_to_stage(paths[2:]) == paths[2]
    assert archive.one_to_stage([str(tmp_path / "none"), *paths]) == paths[1]


def modes(*names: str) -> dict[str, int]:
    return {name: os.stat(name).st_mode for name in names}


@pytest.mark.parametrize(
    ("fraction", "large", "old"),
    [(0, 1_600_000_000, -1), (123_456_789, 1_600_000_000.1234567, -0.75)],
)
def test_fractions_are_lost_where_staging_loses_them(
    fraction: int, large: float, old: float, staged: Path, tmp_path: Path
) -> None:
    """As it does up to setuptools 80 or so; it rounds down, before 1970, too."""
    os.utime(SAMPLE, ns=(0, 10**9 + 123_456_789))
    os.utime(tmp_path / "stage" / "demo-1" / SAMPLE, ns=(0, 10**9 + fraction))
    os.utime("files/executable", ns=(0, -750_000_000))
    pack(tmp_path)
    archive.complete(str(staged), SAMPLE, modes("files/executable", "files/large"))
    with tarfile.open(staged) as opened:
        assert opened.getmember("demo-1/files/large").mtime == pytest.approx(large, abs=1e-5)
        assert opened.getmember("demo-1/files/executable").mtime == old


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
def test_what_has_ceased_to_be_a_file_is_an_error_that_names_it(
    replace: Callable[[Path], None], root: Path, staged: Path
) -> None:
    """A pipe would be waited for for ever."""
    name = os.path.join("files", "deep", "er", "text")
    streamed = modes(name, os.path.join("demo", "__init__.py"))
    replace(root / name)
    with pytest.raises(VanishedFileError, match=name):
        archive.complete(str(staged), SAMPLE, streamed)
    assert not staged.exists()


@pytest.mark.parametrize("size", [0, 100, 3 << 20], ids=["emptied", "cut", "grown"])
def test_a_file_of_another_size_is_what_it_is_when_it_is_read(
    size: int, root: Path, staged: Path
) -> None:
    streamed = modes("files/large")
    os.truncate("files/large", size)
    archive.complete(str(staged), SAMPLE, streamed)
    with tarfile.open(staged) as opened:
        file = opened.extractfile("demo-1/files/large")
        assert file is not None
        assert file.read() == (root / "files" / "large").read_bytes()


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _make_longer(path: Path) -> None:
    os.truncate(path, 3 << 20)


def _make_executable(path: Path) -> None:
    path.chmod(0o755)


CHANGES = {"emptied": _empty, "grown": _make_longer, "executable": _make_executable}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("when", ["while it is read", "when another one is"])
def test_a_file_that_changes_while_the_archive_is_made_disproves_it(
    when: str,
    change: Callable[[Path], None],
    root: Path,
    staged: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that all of it is of one moment."""
    name, later = os.path.join("files", "executable"), os.path.join("files", "large")
    original = tarfile.TarFile.addfile

    def addfile(self: tarfile.TarFile, member: tarfile.TarInfo, *file: Any) -> None:
        if member.name.endswith(later):
            change(root / (later if when == "while it is read" else name))
        original(self, member, *file)

    monkeypatch.setattr(tarfile.TarFile, "addfile", addfile)
    if change is _make_executable:
        (root / name).chmod(0o644)
    streamed = modes(name, later)
    with pytest.raises(ShortcutError, match="has changed"):
        archive.complete(str(staged), SAMPLE, streamed)
    assert not staged.exists()


def test_a_mode_that_changes_after_the_list_was_made_disproves_it(root: Path, staged: Path) -> None:
    """With another one it might have to be staged."""
    streamed = modes("files/large")
    (root / "files" / "large").chmod(0o4755)
    with pytest.raises(ShortcutError, match="has changed"):
        archive.complete(str(staged), SAMPLE, streamed)


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
