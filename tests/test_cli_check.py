"""What `check` finds out about a project, with a frontend that misbehaves as it is told.

That makes the tests quick, and their collisions certain. The real frontend is in
`integration/test_check.py`.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from isolated_backend.cli import check, demo, environment, main, project, report
from isolated_backend.cli.artifact import Contents, Member
from isolated_backend.cli.check import Half, Report, Result
from isolated_backend.cli.environment import Environment
from isolated_backend.cli.errors import CommandError
from isolated_backend.cli.frontend import BUILD, Frontend, Kind
from isolated_backend.cli.snapshot import Changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Builds a wheel, for either kind, of the files in `src` and of what it is told to add.
FRONTEND = """
import json, pathlib, sys, time, zipfile
kind, out, root, effects = sys.argv[1:]
root = pathlib.Path(root)
ours = 'build-backend = "isolated_backend' in (root / "pyproject.toml").read_text()
effect = json.loads(effects)["ours" if ours else "own"]
number = int(pathlib.Path(out).name.partition("-")[0])
scope = globals()
exec(effect, scope)
with zipfile.ZipFile(pathlib.Path(out, f"demo.{kind}.whl"), "w") as archive:
    archive.writestr(zipfile.ZipInfo("demo.py"), scope.get("content", ""))
"""


class Recorder:
    """Takes note of the progress."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        """Take note of a step."""
        self.lines.append(line)

    @contextmanager
    def half(self, backend: str, total: int) -> Iterator[Callable[[bool], None]]:
        """Take note of the builds."""
        ended: list[bool] = []
        yield ended.append
        assert len(ended) == total
        self.lines.append(f"{backend}: {sum(ended)} of {total} failed")


@pytest.fixture(autouse=True)
def _as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the running environment without asking the project what it requires."""
    here = Environment(sys.executable, os.environ)
    monkeypatch.setattr(environment, "prepared", lambda *_: here)


def _check(tmp_path: Path, own: str, ours: str, number: int = 2) -> tuple[Report, list[str]]:
    """Check a project whose builds do *own* and *ours*: statements for the frontend."""
    effects = json.dumps({"own": own, "ours": ours})

    def command(python: str, kind: Kind, out: Path, root: Path) -> list[str]:
        assert python == sys.executable
        return [python, "-S", "-c", FRONTEND, kind, str(out), str(root), effects]

    root = demo.generate(tmp_path / "demo", 1)
    before = sorted(root.rglob("*"))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    recorder = Recorder()
    found = check.check(
        project.find(str(root)), number, Frontend("fake", (), command), scratch, recorder
    )
    assert sorted(root.rglob("*")) == before, "the project is not touched"
    assert list((scratch / "copy").iterdir()) == []
    return found, recorder.lines


def test_all_is_well(tmp_path: Path) -> None:
    found, lines = _check(tmp_path, "", "")
    assert found.isolated.perfect
    assert found.own.perfect
    assert (found.name, found.number, found.unstable) == ("demo", 2, ())
    assert [r.kind for r in found.own.results] == ["sdist", "wheel", "sdist", "wheel"]
    assert lines == [
        "building alone, with each backend",
        "setuptools.build_meta: 0 of 4 failed",
        "isolated_backend: 0 of 4 failed",
    ]


def test_collisions_are_counted(tmp_path: Path) -> None:
    collide = (
        "(root / 'build').mkdir(exist_ok=True)\n"
        "if number >= 2: raise FileNotFoundError(f'{root}/build/{number}')\n"
        "content = str(number or '')"
    )
    found, lines = _check(tmp_path, collide, "", number=3)
    own = found.own
    assert own.errors == [f"FileNotFoundError: build/{i}" for i in (2, 3, 4, 5)]
    assert own.changes.created == ("build/",)
    assert (own.distinct("sdist"), own.distinct("wheel")) == (1, 1)
    assert own.same == 1, "the one that is number 0 as if it were alone"
    assert own.differing == {"wheel": ["demo.py"]}
    assert not own.perfect
    assert found.isolated.perfect
    assert "setuptools.build_meta: 4 of 6 failed" in lines


def test_a_projects_own_writes_are_known(tmp_path: Path) -> None:
    write = "(root / 'src' / f'version.py').write_text('1')"
    found, _ = _check(tmp_path, write, write)
    assert found.isolated.changes.created == ("src/version.py",)
    assert found.isolated.own_writes == {"src/version.py"}
    assert not found.isolated.perfect


def test_different_content_is_found(tmp_path: Path) -> None:
    found, _ = _check(tmp_path, "content = '1'", "content = '2'")
    assert found.isolated.same == 0
    assert found.isolated.uniform
    assert found.isolated.differing == {"sdist": ["demo.py"], "wheel": ["demo.py"]}
    assert found.unstable == ()
    assert not found.isolated.perfect


def test_unstable_builds_are_known(tmp_path: Path) -> None:
    unstable = "content = str(time.time_ns()) if kind == 'wheel' else ''"
    found, _ = _check(tmp_path, unstable, unstable)
    assert found.unstable == ("wheel",)
    assert found.own.distinct("wheel") == 2
    assert not found.isolated.perfect


def test_failure_of_our_half_alone_is_a_finding(tmp_path: Path) -> None:
    found, _ = _check(tmp_path, "", "raise SystemExit('isolated-backend: no room')")
    assert found.isolated.errors == ["isolated-backend: no room"] * 4
    assert found.isolated.made("sdist") == []
    assert (found.isolated.same, found.isolated.distinct("sdist")) == (0, 0)
    assert found.own.perfect


def test_project_that_cannot_be_built_alone(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as error:
        _check(tmp_path, "if kind == 'wheel': raise ValueError('no')", "")
    assert str(error.value) == (
        "demo cannot be built even once, alone, by setuptools.build_meta: ValueError: no"
    )


def test_equal_artifacts_must_name_one_backend() -> None:
    """A pyproject.toml does not count in comparison with the other half, but within one."""
    alone = Contents((Member("demo/pyproject.toml", "", "a"),))
    other = Contents((Member("demo/pyproject.toml", "", "b"),))
    results = tuple(Result("sdist", None, contents) for contents in (alone, other))
    reference: dict[Kind, Contents] = {"sdist": alone, "wheel": alone}
    half = Half("isolated_backend", results, reference, Changes((), (), ()), frozenset(), 1.0)
    assert half.same == 2
    assert not half.uniform
    assert not half.perfect
    whole = Report("demo", 1, half, half, ())
    assert "with isolated_backend not all artifacts are the same." in report.verdict(whole)


def test_frontend_builds_where_everything_is_installed() -> None:
    assert BUILD.command("python", "sdist", Path("out"), Path("root")) == (
        ["python", "-m", "build", "--no-isolation", "--sdist", "--outdir", "out", "root"]
    )


def _stub(monkeypatch: pytest.MonkeyPatch, perfect: bool) -> list[Path]:
    """Have `check` find at once what it is told; return where to see its scratch directories."""
    scratches: list[Path] = []
    content = Contents(())
    alone: dict[Kind, Contents] = {"sdist": content, "wheel": content}
    results = (Result("sdist", None, content), Result("wheel", None, content))
    changed = Changes((), (), ()) if perfect else Changes(("x",), (), ())
    half = Half("isolated_backend", results, alone, changed, frozenset(), 1.0)

    def found(subject: project.Project, *arguments: object) -> Report:
        scratch = arguments[2]
        assert isinstance(scratch, Path)
        assert scratch.is_dir()
        scratches.append(scratch)
        return Report(subject.name, 1, half, half, ())

    monkeypatch.setattr(check, "check", found)
    return scratches


@pytest.mark.parametrize(("perfect", "status"), [(True, 0), (False, 1)])
def test_status_tells_whether_our_half_is_perfect(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    perfect: bool,
    status: int,
) -> None:
    (scratch,) = [_stub(monkeypatch, perfect)]
    root = demo.generate(tmp_path / "demo", 1)
    assert main(["check", str(root)]) == status
    assert not scratch[0].exists()
    assert "demo: with" in capsys.readouterr().out


def test_demo_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    scratches = _stub(monkeypatch, perfect=True)

    def fetch(directory: Path, say: Callable[[str], None]) -> Path:
        say("fetching")
        return demo.generate(directory, 1)

    monkeypatch.setattr(demo, "fetch_or_generate", fetch)
    assert main(["check", "--demo"]) == 0
    assert len(scratches) == 1


def test_nothing_is_left_after_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratches: list[Path] = []

    def interrupted(*arguments: object) -> Report:
        scratch = arguments[3]
        assert isinstance(scratch, Path)
        (scratch / "sub").mkdir()
        scratches.append(scratch)
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "check", interrupted)
    assert main(["check", str(demo.generate(tmp_path / "demo", 1))]) == 130
    assert not scratches[0].exists()
