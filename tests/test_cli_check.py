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
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from isolated_backend.cli import check, demo, environment, main, project, report
from isolated_backend.cli.artifact import Contents, Member
from isolated_backend.cli.environment import Environment
from isolated_backend.cli.errors import CommandError
from isolated_backend.cli.finding import Half, Report, Result
from isolated_backend.cli.frontend import KINDS, Frontend, Kind
from isolated_backend.cli.load import Build
from isolated_backend.cli.snapshot import Changes
from isolated_backend.cli.writes import Writes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

# Builds a wheel, for either kind, of the files in `src` and of what it is told to add.
FRONTEND = """
import json, os, pathlib, sys, time, zipfile
name, kind, out, root, effects = sys.argv[1:]
root = pathlib.Path(root)
ours = 'build-backend = "isolated_backend' in (root / "pyproject.toml").read_text()
effect = json.loads(effects)["ours" if ours else "own"]
number = int(pathlib.Path(out).name.partition("-")[0])
def sees(path):
    with open(os.environ.get("ISOLATED_BACKEND_LOG_WRITES", os.devnull), "a") as log:
        log.write(f"{path}\\n")
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
    def half(
        self, backend: str, orders: Sequence[tuple[Frontend, Kind]]
    ) -> Iterator[Callable[[int, str | None], None]]:
        """Take note of the builds."""
        errors: dict[int, str | None] = {}
        yield errors.__setitem__
        assert sorted(errors) == list(range(len(orders)))
        failed = sum(error is not None for error in errors.values())
        self.lines.append(f"{backend}: {failed} of {len(orders)} failed")


@pytest.fixture(autouse=True)
def _as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the running environment without asking the project what it requires."""
    here = Environment(sys.executable, os.environ)
    monkeypatch.setattr(environment, "prepared", lambda *_: here)


def _check(
    tmp_path: Path,
    own: str,
    ours: str,
    number: int = 2,
    frontends: Mapping[str, tuple[Kind, ...]] = MappingProxyType({"fake": KINDS}),
    settings: str = "",
) -> tuple[Report, list[str]]:
    """Check a project whose builds do *own* and *ours*: statements for the frontends."""
    effects = json.dumps({"own": own, "ours": ours})

    def fake(name: str, kinds: tuple[Kind, ...]) -> Frontend:
        def order(kind: Kind, environment: Environment, root: Path, place: Path) -> Build:
            words = [environment.python, "-S", "-c", FRONTEND, name, kind, str(place)]
            return Build([*words, str(root), effects], place, place)

        return Frontend(name, kinds, (), order)

    root = demo.generate(tmp_path / "demo", 1)
    with (root / "pyproject.toml").open("a") as pyproject:
        pyproject.write(settings)
    before = sorted(root.rglob("*"))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    recorder = Recorder()
    through = [fake(name, kinds) for name, kinds in frontends.items()]
    found = check.check(project.find(str(root)), number, through, scratch, recorder)
    assert sorted(root.rglob("*")) == before, "the project is not touched"
    assert list((scratch / "copy").iterdir()) == []
    return found, recorder.lines


def test_all_is_well(tmp_path: Path) -> None:
    found, lines = _check(tmp_path, "", "")
    assert found.isolated.perfect
    assert found.own.perfect
    assert (found.name, found.frontends) == ("demo", ("fake",))
    assert (found.unstable, found.deviating) == ((), {})
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
    assert own.failures == [("fake", f"FileNotFoundError: build/{i}") for i in (2, 3, 4, 5)]
    assert own.changes.created == ("build/",)
    assert (own.distinct("sdist"), own.distinct("wheel")) == (1, 1)
    assert own.same == 1, "the one that is number 0 as if it were alone"
    assert own.differing == {"wheel": ["demo.py"]}
    assert not own.perfect
    assert found.isolated.perfect
    assert "setuptools.build_meta: 4 of 6 failed" in lines


def test_builds_go_through_each_frontend(tmp_path: Path) -> None:
    fail = (
        "if name == 'b' and 'ISOLATED_BACKEND_LOG_WRITES' not in os.environ: raise ValueError(kind)"
    )
    frontends: dict[str, tuple[Kind, ...]] = {"a": KINDS, "b": KINDS, "c": ("wheel",)}
    found, _ = _check(tmp_path, fail, "", number=3, frontends=frontends)
    assert found.frontends == ("a", "b", "c")
    through = [(each.kind, each.through) for each in found.own.results]
    assert through == [
        *[("sdist", "a"), ("wheel", "c")],
        *[("sdist", "b"), ("wheel", "b")],
        *[("sdist", "a"), ("wheel", "a")],
    ]
    assert found.own.failures == [("b", "ValueError: sdist"), ("b", "ValueError: wheel")]
    assert found.isolated.perfect


def test_frontend_that_builds_no_sdists(tmp_path: Path) -> None:
    found, lines = _check(tmp_path, "", "", frontends={"c": ("wheel",)})
    assert [each.kind for each in found.isolated.results] == ["wheel", "wheel"]
    assert found.isolated.perfect
    assert "isolated_backend: 0 of 2 failed" in lines
    assert "There were no sdists: c builds none." in report.verdict(found)


def test_frontends_that_differ_are_known(tmp_path: Path) -> None:
    """That is the project's doing, but what is built cannot be said to be right."""
    differ = "content = name if kind == 'wheel' else ''"
    found, _ = _check(tmp_path, differ, differ, frontends={"a": KINDS, "b": KINDS})
    assert found.deviating == {"wheel": ("b",)}
    assert found.unstable == ()
    assert not found.isolated.perfect


def test_a_projects_own_writes_are_known(tmp_path: Path) -> None:
    write = (
        "(root / 'src' / 'version.py').write_text('1'); sees('src/version.py')\n"
        "(root / 'src' / 'sample' / '__init__.py').write_text('1')\n"
        "(root / 'build').mkdir(exist_ok=True) if not ours else None\n"
    )
    found, _ = _check(tmp_path, write, write)
    assert found.isolated.writes == Writes(
        seen=frozenset({"src/version.py"}), unseen=frozenset({"src/sample/__init__.py"})
    )
    assert found.isolated.changes.paths == ("src/sample/__init__.py", "src/version.py")
    assert found.isolated.foreign == ()
    assert found.isolated.perfect
    assert found.own.foreign == ("build/",)
    assert not found.own.perfect
    assert found.setting == "auto"


def test_a_projects_setting_is_known(tmp_path: Path) -> None:
    write = "(root / 'version.py').write_text('1')"
    settings = '[tool.isolated-backend]\nin-tree-writes = "lock"\n'
    found, _ = _check(tmp_path, write, write, settings=settings)
    assert found.setting == found.isolated.writes.fitting == "lock"


def test_what_setuptools_leaves_is_never_the_projects_own(tmp_path: Path) -> None:
    """A shadow that leaks does so alone, too."""
    leak = "(root / 'src' / 'demo.egg-info').mkdir(exist_ok=True)"
    found, _ = _check(tmp_path, leak, leak)
    assert found.isolated.writes == Writes()
    assert found.isolated.foreign == ("src/demo.egg-info/",)
    assert not found.isolated.perfect


def test_what_appears_only_under_load_is_not_the_projects_own(tmp_path: Path) -> None:
    found, _ = _check(tmp_path, "", "(root / f'x{number}').touch() if number else None", number=1)
    assert found.isolated.foreign == ("x1",)
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
    assert found.isolated.failures == [("fake", "isolated-backend: no room")] * 4
    assert found.isolated.made("sdist") == []
    assert (found.isolated.same, found.isolated.distinct("sdist")) == (0, 0)
    assert found.own.perfect


def test_project_that_cannot_be_built_alone(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as error:
        _check(tmp_path, "if kind == 'wheel': raise ValueError('no')", "")
    assert str(error.value) == (
        "demo cannot be built even once, alone, by setuptools.build_meta through fake: "
        "ValueError: no"
    )


def test_equal_artifacts_must_name_one_backend() -> None:
    """A pyproject.toml does not count in comparison with the other half, but within one."""
    alone = Contents((Member("demo/pyproject.toml", "", "a"),))
    other = Contents((Member("demo/pyproject.toml", "", "b"),))
    results = tuple(Result("sdist", "fake", None, contents) for contents in (alone, other))
    reference: dict[Kind, Contents] = {"sdist": alone, "wheel": alone}
    half = Half("isolated_backend", results, reference, Changes(), Writes(), 1.0)
    assert half.same == 2
    assert not half.uniform
    assert not half.perfect
    whole = Report("demo", ("fake",), half, half)
    assert "with isolated_backend not all artifacts are the same." in report.verdict(whole)


def _stub(monkeypatch: pytest.MonkeyPatch, perfect: bool) -> list[Path]:
    """Have `check` find at once what it is told; return where to see its scratch directories."""
    scratches: list[Path] = []
    content = Contents(())
    alone: dict[Kind, Contents] = {"sdist": content, "wheel": content}
    results = tuple(Result(kind, "fake", None, content) for kind in KINDS)
    changed = Changes() if perfect else Changes(("x",))
    half = Half("isolated_backend", results, alone, changed, Writes(), 1.0)

    def found(subject: project.Project, *arguments: object) -> Report:
        scratch = arguments[2]
        assert isinstance(scratch, Path)
        assert scratch.is_dir()
        scratches.append(scratch)
        return Report(subject.name, ("fake",), half, half)

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
