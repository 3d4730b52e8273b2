"""Promise 2: a read-only root builds. On a read-only mount, for the superuser minds no mode."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from snapshot import snapshot

from .conftest import Environment
from .frontends import HERE, OURS, PLAIN, build_command, contents, reference, run
from .namespaces import READ_ONLY, mounted
from .projects import NAME, SDIST, VERSION, WHEEL

DIST_INFO = f"{NAME}-{VERSION}.dist-info"
EDITABLE_WHEEL = f"{NAME}-{VERSION}-0.editable-py3-none-any.whl"

HOOKS: list[tuple[str, str | None]] = [
    ("get_requires_for_build_sdist", None),
    ("get_requires_for_build_wheel", None),
    ("get_requires_for_build_editable", None),
    ("prepare_metadata_for_build_wheel", "metadata_directory"),
    ("prepare_metadata_for_build_editable", "metadata_directory"),
    ("build_sdist", "sdist_directory"),
    ("build_wheel", "wheel_directory"),
    ("build_editable", "wheel_directory"),
]


def test_the_mount_is_read_only(small: Path, env: dict[str, str]) -> None:
    assert run([*_read_only(small), "touch", str(small / "pyproject.toml")], env).status != 0
    assert run([*_read_only(small), "touch", str(small / "new")], env).status != 0
    assert run(["touch", str(small / "pyproject.toml")], env).status == 0


def test_the_frontend_builds_both_artifacts(
    small: Path, venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    right = reference(venv.python, small, tmp_path / "reference")
    before = snapshot(small)
    build = build_command(venv.python, small, "-nsw", "--outdir", str(tmp_path / "out"))

    done = run([*_read_only(small), *build], env)

    assert done.status == 0, done.output
    assert contents(tmp_path / "out") == right.members
    assert snapshot(small) == before


def test_every_hook_succeeds(
    small: Path, venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    right = reference(venv.python, small, tmp_path / "reference")
    before = snapshot(small)

    results = _call_all(OURS, small, venv, env, tmp_path)

    assert results == {
        "get_requires_for_build_sdist": [],
        "get_requires_for_build_wheel": [],
        "get_requires_for_build_editable": [],
        "prepare_metadata_for_build_wheel": DIST_INFO,
        "prepare_metadata_for_build_editable": DIST_INFO,
        "build_sdist": SDIST,
        "build_wheel": WHEEL,
        "build_editable": EDITABLE_WHEEL,
    }
    built = contents(tmp_path / "build_sdist") | contents(tmp_path / "build_wheel")
    assert built == right.members
    assert snapshot(small) == before


def test_plain_setuptools_fails_there(
    small: Path, venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    """The control."""
    results = _call_all(PLAIN, small, venv, env, tmp_path)

    failed = {hook for hook, result in results.items() if result is None}
    assert failed >= {
        "get_requires_for_build_sdist",
        "get_requires_for_build_wheel",
        "build_sdist",
        "build_wheel",
    }


def _read_only(root: Path) -> list[str]:
    return mounted(READ_ONLY.format(root))


def _call_all(
    backend: str, root: Path, venv: Environment, env: dict[str, str], out: Path
) -> dict[str, Any]:
    """Call every hook through ``pyproject_hooks``; return what each returned."""
    calls = []
    for hook, parameter in HOOKS:
        (out / hook).mkdir()
        calls.append((hook, {parameter: str(out / hook)} if parameter else {}))
    script = [str(venv.python), str(HERE / "call_hooks.py"), str(root), backend, json.dumps(calls)]
    done = run([*_read_only(root), *script], env)
    assert done.status == 0, done.output
    results = json.loads(done.output.splitlines()[-1])
    return dict(zip((hook for hook, _ in HOOKS), results, strict=True))
