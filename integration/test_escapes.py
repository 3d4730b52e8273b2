"""Promises 1 and 2 as the kernel sees them: ``python -m integration.escapes``.

By default a handful of samples; ``-m long`` traces all samples and kinds, and the corpus. Without
strace, or where the kernel lets nobody trace, these are skipped, and what reads a trace is tested
on written ones.
"""

from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest

from backends import PLAIN

from .corpus import toml
from .corpus.project import Project, load
from .escapes import __main__ as command_line
from .escapes import known, report, strace
from .escapes.errors import TraceError
from .escapes.finding import Report
from .escapes.kinds import Kind
from .escapes.subject import Subject, chosen
from .escapes.trial import carry_out

traced = pytest.mark.skipif(bool(strace.missing()), reason=strace.missing())

#: A few seconds each.
QUICK = ["src_layout", "c_extension", "generated_here", "generated_by_subprocess"]


def check(subject: Subject, cache: Path) -> None:
    found = carry_out(subject, cache)
    if found.skipped:
        pytest.skip(f"{subject.name}: {found.skipped}")
    assert not found.is_fault, "\n".join(report.lines(found, is_long=True))


def trial(name: str, cache: Path, backend: str = "isolated_backend", **variables: str) -> Report:
    (subject,) = chosen([name])
    return carry_out(subject, cache, backend, variables=variables)


def what(found: Report) -> set[tuple[str, str]]:
    return {(group.what, group.path) for group in found.grouped()}


@traced
@pytest.mark.parametrize("name", QUICK)
def test_nothing_is_unexplained(name: str, tmp_path: Path) -> None:
    (subject,) = chosen([name])
    check(subject, tmp_path)


@pytest.mark.long
@traced
@pytest.mark.parametrize("subject", chosen([]), ids=lambda subject: str(subject.name))
def test_every_sample_and_kind(subject: Subject) -> None:
    check(subject, command_line.CACHE)


@pytest.mark.long
@traced
@pytest.mark.parametrize("project", load(), ids=lambda project: str(project.requirement))
def test_every_project(project: Project) -> None:
    (subject,) = chosen([project.requirement])
    check(subject, command_line.CACHE)


# --- can it fail? -------------------------------------------------------------------------------

UNLOCKED = "in the tree, while not the writer"
UNKNOWN = "in the tree, not named in known.toml"


@traced
def test_setuptools_is_reported(tmp_path: Path) -> None:
    assert what(trial("src_layout", tmp_path, PLAIN)) == {
        (UNLOCKED, "build"),
        (UNLOCKED, "src/src_layout.egg-info"),
        (UNLOCKED, "src_layout-1.0"),
    }


def broken(name: str, place: Path, code: str) -> Report:
    """Trace a sample or kind with a backend that *code* has broken, as ``sitecustomize``."""
    directory = place / "broken"
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(code)
    return trial(name, place, PYTHONPATH=str(directory), PYTHONDONTWRITEBYTECODE="1")


@traced
def test_a_redirect_that_is_missing_is_reported(tmp_path: Path) -> None:
    code = """\
from isolated_backend.redirect.directories import replaces
replaces[:] = [each for each in replaces if each.owner != "egg_info"]
"""
    assert what(broken("src_layout", tmp_path, code)) == {
        (UNKNOWN, "src/src_layout.egg-info"),
        ("the writer, without need", "the tree"),
    }


@traced
def test_a_rule_about_programs_that_is_missing_is_reported(tmp_path: Path) -> None:
    code = (
        "from isolated_backend.writers import programs, watch\n"
        "watch.effects = lambda *_: programs.Effects()\n"
    )
    found = broken("generated_by_subprocess", tmp_path, code)
    assert what(found) == {(UNLOCKED, "generated/made.py")}


def generator(name: str, setup: str, settings: str = "") -> Subject:
    """Return a project whose ``build_py`` does *setup* before it copies."""
    text = (
        "import os, subprocess\n"
        "from setuptools import setup\n"
        "from setuptools.command.build_py import build_py\n"
        "class Generate(build_py):\n"
        "    def run(self):\n"
        f"        {setup}\n"
        "        super().run()\n"
        'setup(py_modules=["module"], cmdclass={"build_py": Generate})\n'
    )
    files = {"setup.py": text, "module.py": ""}
    return Subject.of_kind(Kind(name, files, settings=settings))


@traced
def test_a_lock_that_is_missing_is_reported(tmp_path: Path) -> None:
    setup = 'os.makedirs("generated", exist_ok=True); open("generated/made.py", "w").close()'
    subject = generator("generated_unlocked", setup, settings='in-tree-writes = "allow"')
    assert what(carry_out(subject, tmp_path)) == {(UNLOCKED, "generated")}


@traced
def test_a_write_that_nobody_knows_of_is_reported(tmp_path: Path) -> None:
    found = carry_out(generator("unknown", 'open("made.py", "w").close()'), tmp_path)
    assert what(found) == {(UNKNOWN, "made.py")}


@traced
def test_what_is_left_in_the_temporary_directory_is_reported(tmp_path: Path) -> None:
    setup = 'os.makedirs(os.environ["TMPDIR"] + "/left", exist_ok=True)'
    found = carry_out(generator("leaves", setup), tmp_path)
    assert what(found) == {
        ("left in TMPDIR", "TMPDIR/left"),
        ("the same name for every build", "TMPDIR/left"),
    }


@traced
def test_a_fixed_name_in_the_temporary_directory_is_reported(tmp_path: Path) -> None:
    setup = 'name = os.environ["TMPDIR"] + "/fixed"; open(name, "w").close(); os.unlink(name)'
    found = carry_out(generator("fixed", setup), tmp_path)
    assert what(found) == {
        ("a name in TMPDIR that others may have taken", "TMPDIR/fixed"),
        ("the same name for every build", "TMPDIR/fixed"),
    }


@traced
def test_a_write_into_the_home_directory_is_reported(tmp_path: Path) -> None:
    setup = 'open(os.path.expanduser("~/.made"), "w").close()'
    found = carry_out(generator("at_home", setup), tmp_path)
    assert what(found) == {("outside of all places", "../home/.made")}
    setup = 'os.makedirs(os.path.expanduser("~/.cache/made"))'
    assert not what(carry_out(generator("caches", setup), tmp_path))


@traced
def test_a_hook_that_fails_is_reported(tmp_path: Path) -> None:
    found = carry_out(generator("fails", 'raise SystemExit("no")'), tmp_path)
    assert what(found) == {("fails", "SystemExit: no")}


@traced
def test_a_hook_that_dies_is_reported(tmp_path: Path) -> None:
    found = carry_out(generator("dies", "os.kill(os.getpid(), 9)"), tmp_path)
    assert ("fails", "died with exit status -9") in what(found)


@traced
def test_programs_are_told(tmp_path: Path) -> None:
    setup = 'subprocess.run(["sh", "-c", "ls >/dev/null; cd /; ls >/dev/null; true"], cwd="..")'
    found = carry_out(generator("starts", setup), tmp_path)
    assert dict(found.programs) == {
        "sh in TREE": {"build_wheel", "build_editable"},
        "ls (by sh) in TREE": {"build_wheel", "build_editable"},
    }


def test_every_name_that_is_known_is_of_a_project() -> None:
    offered = {subject.name for subject in chosen([], with_corpus=True)}
    offered |= {subject.name for subject in chosen([], with_corpus=True, as_checkout=True)}
    for entry in toml.read(known.FILE)["known"]:
        for pattern in entry["names"]:
            assert fnmatch.filter(offered, pattern), pattern


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('names = ["p"]\nwrites = ["a"]', "without a reason"),
        ('names = ["p"]\nwrite = ["a"]\nbecause = "b"', "no key write"),
    ],
)
def test_what_is_known_has_a_reason(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "FILE", tmp_path / "known.toml")
    known.FILE.write_text(f"[[known]]\n{text}\n")
    with pytest.raises(TraceError, match=message):
        known.of("p")


def test_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["src_layout", "--cache", str(tmp_path)]
    if not strace.missing():
        page = tmp_path / "page.md"
        assert command_line.main([*arguments, "--markdown", str(page)]) == 0
        assert "| src_layout |" in page.read_text()
        assert command_line.main([*arguments, "--backend", PLAIN]) == 1
        assert command_line.main(["no/such/project"]) == 2
    strace.missing.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        assert command_line.main(arguments) == 2
    finally:
        strace.missing.cache_clear()
    assert "apt-get install strace" in capsys.readouterr().err
