"""Promise 2: a read-only root builds. On a read-only mount, for the superuser minds no mode."""

from __future__ import annotations

from pathlib import Path

from backends import HOOKS, HookProcess, call_into
from snapshot import snapshot

from .conftest import Environment
from .frontends import OURS, PLAIN, build_command, contents, reference, run
from .namespaces import READ_ONLY, mounted
from .projects import NAME, SDIST, VERSION, WHEEL

DIST_INFO = f"{NAME}-{VERSION}.dist-info"
EDITABLE_WHEEL = f"{NAME}-{VERSION}-0.editable-py3-none-any.whl"


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
) -> dict[str, object]:
    """Call every hook; return what each returned, ``None`` for one that failed."""
    for hook in HOOKS:
        (out / hook).mkdir()
    process = HookProcess(
        backend, root, environment=env, python=venv.python, prefix=_read_only(root)
    )
    outcomes = process(*(call_into(hook, out / hook) for hook in HOOKS))
    return {hook: outcome.result for hook, outcome in zip(HOOKS, outcomes, strict=True)}
