"""What builds fought over, told from what they say and leave; and the report for a program."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from isolated_backend.cli import collision, demo, main, places, plain, report
from isolated_backend.cli.artifact import Contents, Member
from isolated_backend.cli.finding import Half, Report, Result
from isolated_backend.cli.snapshot import Changes
from isolated_backend.cli.writes import Writes

if TYPE_CHECKING:
    from pathlib import Path

    from isolated_backend.cli.frontend import Kind


def _archive(*names: str) -> Contents:
    return Contents(tuple(Member(name, "", "") for name in names))


SDIST = _archive("demo-1.0/a", "demo-1.0/PKG-INFO")
WHEEL = _archive("demo/a", "demo-1.0.dist-info/METADATA")
CHANGED = ("build/", "build/lib/", "src/demo.egg-info/", "src/demo.egg-info/PKG-INFO")


def _half(
    *errors: str,
    sdists: tuple[Contents, ...] = (SDIST,),
    wheels: tuple[Contents, ...] = (WHEEL,),
    changed: tuple[str, ...] = CHANGED,
    alone: dict[Kind, Contents] | None = None,
) -> Half:
    results = (
        *(Result("wheel", "uv", error, None) for error in errors),
        *(Result("sdist", "build", None, contents) for contents in sdists),
        *(Result("wheel", "build", None, contents) for contents in wheels),
    )
    alone = {"sdist": SDIST, "wheel": WHEEL} if alone is None else alone
    changes = Changes(created=changed)
    return Half("setuptools.build_meta", results, alone, changes, Writes(), 1.0)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("build/lib/a.py", "build/"),
        ("build", "build/"),
        ("dist/a", "dist/"),
        ("demo-1.0/src/a.py", "demo-1.0/"),
        ("src/demo.egg-info/SOURCES.txt", "src/demo.egg-info/"),
        ("src/demo.egg-info/", "src/demo.egg-info/"),
        ("demo.dist-info", "demo.dist-info/"),
        ("src/__pycache__/a.pyc", "src/__pycache__/"),
        ("src/a.pyc", "src/a.pyc"),
        (".eggs/x/y", ".eggs/"),
        (".tmp-abc/x", ".tmp-abc/"),
        ("src/build/a.py", None),
        ("src/demo-1.0/a.py", None),
        ("src/a.py", None),
    ],
)
def test_places(path: str, place: str | None) -> None:
    found = places.of(path, {"demo-1.0"})
    assert (found and found.path) == place


@pytest.mark.parametrize(
    ("error", "place", "path"),
    [
        (
            "error: [Errno 2] No such file or directory: 'build/bdist.linux-x86_64/wheel/./a.py'",
            "build/",
            "build/bdist.linux-x86_64/wheel/a.py",
        ),
        ("error: could not create 'build/lib': File exists", "build/", "build/lib"),
        (
            "FileNotFoundError: [Errno 2] No such file: 'src/a.py' -> 'demo-1.0/src/a.py'",
            "demo-1.0/",
            "demo-1.0/src/a.py",
        ),
        (
            "shutil.Error: [('src/a', 'demo-1.0/src/a', \"[Errno 2] No such file\")",
            "demo-1.0/",
            "demo-1.0/src/a",
        ),
        (
            'error: "src/demo.egg-info/SOURCES.txt": Permission denied',
            "src/demo.egg-info/",
            "src/demo.egg-info/SOURCES.txt",
        ),
        ("OSError: src/demo.egg-info/PKG-INFO: gone", "src/demo.egg-info/", None),
        (r"error: 'build\\lib\\a.py': gone", "build/", "build/lib/a.py"),
        ("error: [Errno 39] Directory not empty: 'demo-1.0'", "demo-1.0/", "demo-1.0"),
    ],
)
def test_an_error_names_the_place(error: str, place: str, path: str | None) -> None:
    found = collision.of(_half(error))
    ((place_, failed),) = [(each.place, each.failed) for each in found.found]
    assert place_.path == place
    assert failed == (path or "src/demo.egg-info/PKG-INFO",)
    assert found.nowhere == 0


@pytest.mark.parametrize(
    "error",
    [
        "error: [Errno 2] No such file or directory",
        "ValueError: 'src/a.py'",
        "error: '/elsewhere/build/lib': gone",
        "error: '../build/lib': gone",
    ],
)
def test_an_error_that_names_none(error: str) -> None:
    found = collision.of(_half(error))
    assert (found.found, found.nowhere) == ((), 1)
    assert found.common == ("build/", "src/demo.egg-info/")


@pytest.mark.parametrize(
    ("kind", "made", "changed", "place"),
    [
        ("sdist", _archive("demo-1.0/PKG-INFO"), CHANGED, "demo-1.0/"),
        ("sdist", _archive("demo-1.0/a"), CHANGED, "src/demo.egg-info/"),
        ("sdist", _archive("demo-1.0/a"), ("build/",), "demo-1.0/"),
        ("wheel", _archive("demo-1.0.dist-info/METADATA"), CHANGED, "build/"),
        ("wheel", _archive("demo/a", "demo-1.0.dist-info/x"), CHANGED, "src/demo.egg-info/"),
        ("wheel", _archive("demo/a"), (), "build/"),
    ],
)
def test_a_wrong_artifact_tells_where_it_was_made(
    kind: Kind, made: Contents, changed: tuple[str, ...], place: str
) -> None:
    """Of the metadata if nothing else is wrong with it."""
    half = (
        _half(sdists=(made,), changed=changed)
        if kind == "sdist"
        else _half(wheels=(made,), changed=changed)
    )
    (found,) = collision.of(half).found
    assert (found.place.path, found.failed, found.spoiled) == (place, (), (kind,))
    assert collision.of(half, {kind}).found == (), "a kind that cannot be compared tells nothing"


def test_without_an_sdist_there_is_no_staging() -> None:
    half = _half("error: 'demo-1.0/a': gone", sdists=(), alone={"wheel": WHEEL})
    assert collision.of(half).nowhere == 1


def test_most_builds_come_first() -> None:
    errors = ["error: 'demo-1.0/a': gone"] + [f"error: 'build/{n}': gone" for n in range(2)]
    found = collision.of(_half(*errors, wheels=(_archive("demo/x"),) * 2)).found
    assert [(each.place.path, len(each.failed), len(each.spoiled)) for each in found] == [
        ("build/", 2, 2),
        ("demo-1.0/", 1, 0),
    ]


FOUGHT = _half(
    "error: 'build/lib/a': gone",
    "error: 'build/lib/b': gone",
    "error: gone",
    sdists=(_archive("demo-1.0/x"),),
    wheels=(_archive("demo/x"), WHEEL),
)
ISOLATED = Half(
    "isolated_backend",
    (Result("sdist", "build", None, SDIST), Result("wheel", "build", None, WHEEL)),
    {"sdist": SDIST, "wheel": WHEEL},
    Changes(("v.py",)),
    Writes(frozenset({"v.py"})),
    2.0,
)
REPORT = Report("demo", ("build", "uv"), FOUGHT, ISOLATED)


def test_reasons_are_shown() -> None:
    stream = io.StringIO()
    report.show(REPORT, Console(file=stream, width=80, color_system=None))
    lines = stream.getvalue().splitlines()
    start = lines.index("What the builds with setuptools.build_meta fought over, and why:")
    assert lines[start + 1].startswith("  build/: every build puts its wheel together here; ")
    assert lines[start + 1].endswith(
        " (2 failed, at build/lib/a and 1 more; 1 wheel came out wrong)"
    )
    assert lines[start + 2].startswith("  demo-1.0/: every build stages its sdist in this one ")
    assert lines[start + 2].endswith(" (1 sdist came out wrong)")
    nowhere = lines.index(
        "1 build with setuptools.build_meta failed and named no place; all of them write to:"
    )
    assert lines[nowhere + 1] == "  build/, src/demo.egg-info/"
    assert not [line for line in lines if "builds with isolated_backend fought" in line]


def test_the_same_for_a_program() -> None:
    found = json.loads(json.dumps(plain.of(REPORT)))
    own = found.pop("own")
    assert [each["path"] for each in own["collisions"]] == ["build/", "demo-1.0/"]
    assert own["collisions"][0]["failed"] == ["build/lib/a", "build/lib/b"]
    assert own["collisions"][0]["spoiled"] == ["wheel"]
    assert own["collisions"][0]["why"].startswith("every build puts its wheel together here")
    assert own["builds"][0] == {
        "kind": "wheel",
        "frontend": "uv",
        "error": "error: 'build/lib/a': gone",
    }
    assert (own["failed"], own["failed-nowhere"], own["same"], own["ok"]) == (3, 1, 1, False)
    assert own["distinct"] == {"sdist": 1, "wheel": 2}
    assert own["differing"]["wheel"] == ["demo-1.0.dist-info/METADATA", "demo/a", "demo/x"]
    assert own["changed"] == list(CHANGED)
    assert found == {
        "project": "demo",
        "frontends": ["build", "uv"],
        "isolated": {
            "backend": "isolated_backend",
            "builds": [
                {"kind": "sdist", "frontend": "build", "error": None},
                {"kind": "wheel", "frontend": "build", "error": None},
            ],
            "failed": 0,
            "distinct": {"sdist": 1, "wheel": 1},
            "same": 2,
            "differing": {},
            "changed": [],
            "collisions": [],
            "failed-nowhere": 0,
            "seconds": 2.0,
            "ok": True,
        },
        "unstable": [],
        "deviating": {},
        "in-tree-writes": {
            "seen": ["v.py"],
            "unseen": [],
            "programs": [],
            "modules": [],
            "setting": "auto",
            "fitting": "auto",
        },
        "private-trees": {"possible": True, "obstacle": None},
        "verdict": report.verdict(REPORT),
        "ok": True,
    }


def test_incomparable_kinds_are_told_of_no_place() -> None:
    whole = Report("demo", ("build",), FOUGHT, ISOLATED, ("sdist",), {"wheel": ("uv",)})
    assert whole.incomparable == {"sdist", "wheel"}
    assert [each["path"] for each in plain.of(whole)["own"]["collisions"]] == ["build/"]
    assert plain.of(whole)["deviating"] == {"wheel": ["uv"]}


def test_json_is_all_that_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("isolated_backend.cli.check.check", lambda *_: REPORT)
    assert main(["check", "--json", str(demo.generate(tmp_path / "demo", 1))]) == 0
    assert json.loads(capsys.readouterr().out) == plain.of(REPORT)
