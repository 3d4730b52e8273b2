"""Promise 3 for projects that nobody wrote: whatever the layout, the artifact is setuptools'."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, seed, settings

from backends import OURS, PLAIN, HookProcess
from trial import Made, differences, make

from .generated import Project, projects

HOOKS = ("prepare_metadata_for_build_wheel", "build_sdist", "build_wheel")

LONG = [pytest.param(125, number, marks=pytest.mark.long) for number in range(1, 5)]


@pytest.mark.parametrize(("examples", "number"), [(12, 0), *LONG])
def test_generated_projects(
    examples: int, number: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """No difference, and an untouched root; those of a *number* are always the same projects."""
    seen: Counter[str] = Counter()

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(projects())
    def holds(project: Project) -> None:
        with TemporaryDirectory(dir=tmp_path) as place:
            pristine = Path(place, "pristine")
            project.write(pristine)
            plain, ours = (_made(backend, pristine, Path(place)) for backend in (PLAIN, OURS))
            assert differences(plain, ours) == []
        seen["projects"] += 1
        seen["that setuptools refuses"] += len(plain.failures) == len(HOOKS)

    holds()
    record_property("figures", dict(seen))
    print(dict(seen))
    assert seen["that setuptools refuses"] < seen["projects"] / 2  # or this would say little


def _made(backend: str, pristine: Path, place: Path) -> Made:
    made = make(HookProcess(backend, place / "root", pristine), place / backend, HOOKS)
    shutil.rmtree(place / "root")
    return made


def test_a_difference_is_found(tmp_path: Path) -> None:
    """The control: the same comparison of two projects that differ in one letter, and in a mode."""
    project = Project("py", "flat", ["demo"], {"@demo/mod.py": 0o644, "data.txt": 0o644})
    other = Project("py", "flat", ["demo"], {"@demo/mod.py": 0o644, "data.txt": 0o755})
    project.write(tmp_path / "pristine")
    other.write(tmp_path / "other")
    for root in (tmp_path / "pristine", tmp_path / "other"):
        (root / "MANIFEST.in").write_text("include data.txt\n")
    (tmp_path / "other" / "demo" / "mod.py").write_text("# @demo/moD.py\n")
    plain = _made(PLAIN, tmp_path / "pristine", tmp_path)
    found = differences(plain, _made(OURS, tmp_path / "other", tmp_path))
    for expected in ("build_sdist: demo-1/demo/mod.py", "data.txt", "build_wheel: demo/mod.py"):
        assert any(expected in line for line in found), found
