"""Promise 3: the artifact is setuptools'."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from backends import OURS, PLAIN, SAMPLES, HookProcess
from trial import Made, differences, make, of_sample


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_every_hook_gives_what_setuptools_gives(name: str, tmp_path: Path) -> None:
    """Member by member: order, names, modes, contents; the same answers; and an untouched root."""
    plain, found = of_sample(name, tmp_path)
    assert plain.failures == {}
    assert any(outcome.changed for outcome in plain.outcomes.values())  # or this could not fail
    assert found == []


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_with_an_epoch_nothing_but_times_owners_and_modes_differs(
    name: str, tmp_path: Path
) -> None:
    """And those are what is promised, to the second and to the bit."""
    plain, found = of_sample(name, tmp_path, environment={"SOURCE_DATE_EPOCH": "1600000001"})
    assert plain.failures == {}
    assert found == []


@pytest.mark.parametrize("search", ["include **", "include */**", "recursive-include . **"])
def test_a_dropped_egg_info_comes_back_as_far_as_setuptools_finds_it(
    search: str, tmp_path: Path
) -> None:
    """``**`` is one level to ``include``, and any number to ``recursive-include``."""
    pristine = shutil.copytree(SAMPLES / "src_layout", tmp_path / "pristine")
    template = pristine / "MANIFEST.in"
    template.write_text(f"global-exclude */*.txt\n{search}\n")
    os.utime(template, (1_000_000_000,) * 2)  # not as if the build had made it
    plain, ours = (
        make(HookProcess(backend, tmp_path / "root", pristine), tmp_path / backend, ["build_sdist"])
        for backend in (PLAIN, OURS)
    )
    assert plain.failures == {}
    assert differences(plain, ours) == []


def test_a_refusal_may_come_later_but_not_never(tmp_path: Path) -> None:
    """Setuptools refuses two packages in a flat layout when it is asked for requirements."""
    pytest.importorskip("isolated_backend.shortcuts")
    pristine = tmp_path / "pristine"
    for name in ("demo", "other"):
        (pristine / name).mkdir(parents=True)
        (pristine / name / "__init__.py").touch()
    table = '[build-system]\nrequires = ["setuptools"]\n[project]\nname = "demo"\nversion = "1"\n'
    (pristine / "pyproject.toml").write_text(table)
    hooks = ["get_requires_for_build_sdist", "build_sdist"]
    plain, ours = (
        make(HookProcess(backend, tmp_path / "root", pristine), tmp_path / backend, hooks)
        for backend in (PLAIN, OURS)
    )
    assert list(plain.failures) == hooks
    assert list(ours.failures) == ["build_sdist"]
    assert differences(plain, ours) == []

    ours.outcomes["build_sdist"].message = "something else"
    assert [line.partition(":")[0] for line in differences(plain, ours)] == hooks[:1]


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    """Setuptools in our place changes the root, and a member that is unlike is named."""
    root = tmp_path / "root"
    made: list[Made] = []
    for number in range(2):
        pristine = shutil.copytree(SAMPLES / "src_layout", tmp_path / f"pristine{number}")
        module = pristine / "src" / "src_layout" / "__init__.py"
        module.chmod(0o644 + 0o111 * number)
        os.utime(module, (1_000_000_000 + 2 * number,) * 2)
        process = HookProcess(PLAIN, root, pristine)
        made.append(make(process, tmp_path / str(number), ["build_sdist", "build_wheel"]))

    one, two = made
    found = differences(one, two)
    member = "build_sdist: src_layout-1.0/src/src_layout/__init__.py"
    assert f"{member}: mode '0o755', not '0o644'" in found
    assert f"{member}: mtime 1000000002.0, not 1000000000.0" in found
    member = "build_wheel: src_layout/__init__.py"
    assert f"{member}: mtime (2001, 9, 9, 1, 46, 42), not (2001, 9, 9, 1, 46, 40)" in found
    assert "build_wheel changes build" in found

    two.outcomes["build_wheel"].warned.append(f"{root}: of nothing")
    assert f"build_wheel: + {root}: of nothing" in differences(one, two)

    found = differences(one, two, epoch="1600000000")  # which neither was made with
    member = "build_sdist: src_layout-1.0/src/src_layout/__init__.py"
    assert f"{member}: mode '0o755', not '0o644'" in found
    assert f"{member}: mtime 1000000002.0, not 1600000000.0" in found
    member = "build_wheel: src_layout/__init__.py"
    assert f"{member}: mtime (2001, 9, 9, 1, 46, 42), not (2020, 9, 13, 12, 26, 40)" in found
