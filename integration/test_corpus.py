"""Promise 3 on real projects: published sdists, built by setuptools and by us.

By default two small projects; ``-m long`` tries all of them, also as git checkouts. What is
fetched goes to the cache of ``python -m integration.corpus``; without a package index and
without that cache the projects are skipped.
"""

from __future__ import annotations

import dataclasses
import io
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from .corpus import difference, table, toml
from .corpus.__main__ import CACHE
from .corpus.project import HERE, Project, load
from .corpus.trial import carry_out
from .corpus.verdict import Artifact, Results, Verdict

SMALL = ["six", "pyserial"]


def check(project: Project, form: str, *, slow: bool = False) -> None:
    verdict = carry_out(project, form, CACHE, slow=slow)
    if not verdict.counts:
        pytest.skip(f"{project.name}: {table.note(verdict)}")
    assert not verdict.is_fault, table.note(verdict)


@pytest.mark.parametrize("name", SMALL)
def test_small_projects(name: str) -> None:
    """With the shortcuts and without; one after the other, for they work at the same place."""
    (project,) = load([name])
    for slow in (False, True):
        check(project, "sdist", slow=slow)
        (log,) = (CACHE / "work").glob(f"{name}-*-sdist/ours/build_sdist.log")
        assert ("copying setup.py -> " in log.read_text()) == slow


@pytest.mark.long
@pytest.mark.parametrize("project", load(), ids=lambda project: project.requirement)
def test_every_sdist(project: Project) -> None:
    check(project, "sdist")


@pytest.mark.long
@pytest.mark.parametrize(
    "project", load(listed="checkouts.txt"), ids=lambda project: project.requirement
)
def test_every_checkout(project: Project) -> None:
    check(project, "checkout")


# --- can it fail? -------------------------------------------------------------------------------

Members = list[tuple[str, bytes, int]]
PLAIN: Members = [("p/a", b"a", 0o644), ("p/b", b"b", 0o644)]


def write_sdist(path: Path, members: Members) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content, mode in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            archive.addfile(info, io.BytesIO(content))
    return path


def write_wheel(path: Path, members: Members) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content, mode in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return path


@pytest.mark.parametrize(
    ("ours", "found"),
    [
        (PLAIN, []),
        (PLAIN[:1], ["not in ours: p/b"]),
        ([*PLAIN, ("p/c", b"", 0o644)], ["only in ours: p/c"]),
        ([PLAIN[0], ("p/b", b"c", 0o644)], ["another content: p/b"]),
        ([PLAIN[0], ("p/b", b"b", 0o755)], ["another mode: p/b"]),
        (PLAIN[::-1], ["another order of the members"]),
        ([*PLAIN, PLAIN[1]], ["another order of the members"]),
    ],
)
@pytest.mark.parametrize(("write", "suffix"), [(write_sdist, ".tar.gz"), (write_wheel, ".whl")])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_differences_are_found(
    tmp_path: Path,
    write: Callable[[Path, Members], Path],
    suffix: str,
    ours: Members,
    found: list[str],
) -> None:
    plain = write(tmp_path / f"plain{suffix}", PLAIN)
    assert difference.between_artifacts(plain, write(tmp_path / f"ours{suffix}", ours)) == found


def test_a_record_has_no_line_of_its_own(tmp_path: Path) -> None:
    def wheel(name: str, content: bytes, record: bytes) -> Path:
        members = [("p/a", content, 0o644), ("p.dist-info/RECORD", record, 0o644)]
        return write_wheel(tmp_path / name, members)

    plain = wheel("plain.whl", b"a", b"p/a,sha256=a,1\np/b,sha256=b,1\n")
    follows = wheel("follows.whl", b"c", b"p/a,sha256=c,1\np/b,sha256=b,1\n")
    assert difference.between_artifacts(plain, follows) == ["another content: p/a"]
    more = wheel("more.whl", b"c", b"p/a,sha256=c,1\np/b,sha256=x,1\n")
    assert difference.between_artifacts(plain, more) == [
        "another content: p/a",
        "another content: p.dist-info/RECORD",
    ]


@pytest.mark.skipif(
    not (shutil.which("gcc") and shutil.which("objcopy")), reason="needs gcc and objcopy"
)
@pytest.mark.parametrize(
    ("code", "what"), [("int f() { return 1; }", "debugging symbols"), ("int f;", "content")]
)
def test_debugging_symbols_are_told_from_code(tmp_path: Path, code: str, what: str) -> None:
    wheels = []
    for name, text in (("plain", "int f() { return 1; }"), ("ours", code)):
        source = tmp_path / name / "f.c"
        source.parent.mkdir()
        source.write_text(text)
        library = tmp_path / name / "f.so"
        subprocess.run(["gcc", "-g", "-shared", "-fPIC", "-o", library, source], check=True)
        members = [("p/f.so", library.read_bytes(), 0o755)]
        wheels.append(write_wheel(tmp_path / f"{name}.whl", members))
    assert difference.between_artifacts(*wheels) == [f"another {what}: p/f.so"]


def identical() -> Verdict:
    artifacts = {kind: Artifact("identical") for kind in ("sdist", "wheel")}
    return Verdict("p", "1", "abc", artifacts=artifacts)


def judged(verdict: Verdict) -> str:
    assert not (verdict.is_perfect and verdict.is_fault)
    return "perfect" if verdict.is_perfect else "fault" if verdict.is_fault else "neither"


def test_only_an_explained_and_repeatable_difference_is_no_fault() -> None:
    verdict = identical()
    assert judged(verdict) == "perfect"
    verdict.artifacts["wheel"] = Artifact("differs", ["another content: p.so"], repeatable=True)
    assert judged(verdict) == "fault"
    verdict.because = "it compiles a file of build_temp, whose path is in the debugging symbols"
    assert judged(verdict) == "neither"
    verdict.artifacts["wheel"].repeatable = False
    assert judged(verdict) == "fault"
    verdict.artifacts["wheel"].state = "varies"
    assert judged(verdict) == "perfect"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("requires", ["wheel instead of nothing"]),
        ("changed", {"build_sdist: p.egg-info": True}),
        ("changed", {"build_wheel: _version.py": False}),
    ],
)
def test_a_difference_beside_the_artifacts_is_a_fault(field: str, value: object) -> None:
    known = Project("p", writes=("_version.py",), because="whatever")
    verdict = identical()
    setattr(verdict, field, value)
    assert verdict.in_the_light_of(known).is_fault


def test_what_the_project_itself_writes_is_no_fault() -> None:
    verdict = dataclasses.replace(identical(), changed={"build_wheel: _version.py": True})
    assert verdict.leaked == ["_version.py"]
    verdict = verdict.in_the_light_of(Project("p", writes=("_version.py",)))
    assert verdict.written == ["_version.py"]
    assert verdict.is_perfect


def test_what_setuptools_cannot_build_counts_as_neither() -> None:
    verdict = identical()
    verdict.artifacts["sdist"] = Artifact("plain fails", error="no")
    assert not verdict.counts
    assert not verdict.is_fault
    assert not verdict.is_perfect


def test_results_hold_for_the_code_that_they_are_about(tmp_path: Path) -> None:
    Results(tmp_path / "results.json").add(identical())
    kept = Results(tmp_path / "results.json")
    assert kept.find(Verdict("p", "1", "abc")) == identical()
    assert kept.find(Verdict("p", "1", "other")) is None
    assert kept.find(Verdict("p", "2", "abc")) is None
    assert kept.find(Verdict("p", "1", "abc", "checkout")) is None


def test_every_known_project_is_listed() -> None:
    listed = {project.name for project in [*load(), *load(listed="checkouts.txt")]}
    assert set(toml.read(HERE / "known.toml")) <= listed


def test_the_table_goes_to_its_mark(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("head\n\n<!-- sdist -->\nold\n<!-- end -->\n\ntail\n")
    table.put_into(page, "sdist", table.markdown([identical()]))
    text = page.read_text()
    assert text.startswith("head\n\n<!-- sdist -->\n\n1 of 1 projects: ")
    assert "| p | 1 |  | identical | identical | untouched |  |\n" in text
    assert text.endswith("\n<!-- end -->\n\ntail\n")
    assert "old" not in text
