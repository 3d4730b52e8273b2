"""Promise 3: the artifact is setuptools'."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from artifacts import members
from backends import OURS, PLAIN, SAMPLES, HookProcess, Outcome
from snapshot import snapshot

HOOKS = [
    ("get_requires_for_build_sdist", {}),
    ("get_requires_for_build_wheel", {}),
    ("get_requires_for_build_editable", {}),
    ("prepare_metadata_for_build_wheel", {"metadata_directory": "metadata"}),
    ("build_sdist", {"sdist_directory": "sdist"}),
    ("build_wheel", {"wheel_directory": "wheel"}),
    ("build_editable", {"wheel_directory": "editable"}),
]

LEGACY = {"legacy"}

#: What an editable install has to leave in the root, for the imports to find it there.
LEFT_BY_EDITABLE = {"c_extension": (".so", "spam")}

#: The one exception: what an earlier build's staging left in the tree is not shipped by us.
EARLIER_STAGING = {"leftovers": ("build/lib", "leftovers-1")}


def build_all(backend: str, name: str, pristine: Path, out: Path) -> list[Outcome]:
    """Call every hook on a fresh copy of the sample *name*, always at the same path."""
    suffix = ":__legacy__" if name in LEGACY else ""
    calls: list[tuple[str, dict[str, Any]]] = []
    for hook, arguments in HOOKS:
        directories = {key: str(out / value) for key, value in arguments.items()}
        for directory in directories.values():
            Path(directory).mkdir(parents=True, exist_ok=True)
        calls.append((hook, directories))
    process = HookProcess(backend + suffix, out.parent / "root", pristine=pristine)
    outcomes = process(*calls)
    failed = [outcome.message for outcome in outcomes if outcome.error]
    assert not failed, process.output
    return outcomes


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_every_hook_gives_what_setuptools_gives(name: str, tmp_path: Path) -> None:
    """Member by member: order, names, modes, contents; the same answers; and an untouched root."""
    clean = shutil.copytree(SAMPLES / name, tmp_path / "clean", symlinks=True)
    for leftover in EARLIER_STAGING.get(name, ()):
        shutil.rmtree(clean / leftover)
    plain = build_all(PLAIN, name, clean, tmp_path / "plain")
    ours = build_all(OURS, name, SAMPLES / name, tmp_path / "ours")

    assert [outcome.result for outcome in ours] == [outcome.result for outcome in plain]
    for kind, outcome in zip(("sdist", "wheel", "editable"), plain[4:], strict=True):
        (artifact,) = (tmp_path / "ours" / kind).iterdir()
        assert artifact.name == outcome.result
        assert members(artifact) == members(tmp_path / "plain" / kind / artifact.name)
    assert metadata(tmp_path / "ours") == metadata(tmp_path / "plain")

    assert any(outcome.changed for outcome in plain)  # or this test could not fail
    for outcome in ours[:-1]:
        assert outcome.changed == []
    left = LEFT_BY_EDITABLE.get(name, ())
    assert [path for path in ours[-1].changed if not path.endswith(left or ("?",))] == []


def metadata(out: Path) -> dict[str, Any]:
    """Return what ``prepare_metadata`` made, less the file list of its passing egg-info.

    It has absolute paths in it, of the directory that the frontend chose.
    """
    found = snapshot(out / "metadata")
    return {name: value for name, value in found.items() if not name.endswith("SOURCES.txt")}
