"""In-tree use: the backend lies in the project that it builds (``backend-path``)."""

from __future__ import annotations

import os
import py_compile
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from artifacts import members, names
from snapshot import snapshot

from .conftest import REPOSITORY, Environment
from .frontends import (
    OURS,
    PLAIN,
    build_command,
    collides,
    contents,
    failures,
    reference,
    run,
    run_at_once,
)
from .projects import NAME, SDIST, VERSION, WHEEL, pyproject, src_layout

BACKEND = REPOSITORY / "src" / OURS
REQUIRES = ("setuptools", "wheel", "packaging", "filelock")


@pytest.fixture
def vendoring(tmp_path: Path) -> Path:
    """A project with the backend in ``_build``, no MANIFEST.in and no version control."""
    root = src_layout(tmp_path / "vendoring", OURS, files=20)
    (root / "pyproject.toml").write_text(pyproject(OURS, REQUIRES, 'backend-path = ["_build"]'))
    copied = shutil.ignore_patterns("__pycache__", "cli")
    shutil.copytree(BACKEND, root / "_build" / OURS, ignore=copied)
    return root


def backend_files(root: Path) -> set[str]:
    """Return the names that the backend's files have in the project's sdist."""
    return {
        f"{NAME}-{VERSION}/{path.relative_to(root)}"
        for path in (root / "_build").rglob("*")
        if path.suffix in {".py", ".typed"}
    }


def test_the_sdist_holds_the_backend_and_can_be_built_from(
    vendoring: Path, venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    """In isolation, and again from the unpacked sdist; the same comes out.

    Except for ``setup.cfg``: setuptools puts one into every sdist, and lists one that it finds.
    """
    env |= venv.offline
    first, second = tmp_path / "first", tmp_path / "second"
    before = snapshot(vendoring)

    done = run(build_command(venv.python, vendoring, "--outdir", str(first)), env)

    assert done.status == 0, done.output
    assert snapshot(vendoring) == before
    found = names(first / SDIST)
    assert backend_files(vendoring) <= set(found)
    assert len(found) == len(set(found))
    assert not [name for name in found if "__pycache__" in name]
    assert not [name for name in names(first / WHEEL) if OURS in name]

    unpacked = unpack(first / SDIST, tmp_path / "unpacked")
    before = snapshot(unpacked)
    done = run(build_command(venv.python, unpacked, "--outdir", str(second)), env)

    assert done.status == 0, done.output
    assert snapshot(unpacked) == before
    assert members(second / WHEEL) == members(first / WHEEL)
    assert lasting_members(second / SDIST) == lasting_members(first / SDIST)


def test_bytecode_that_another_build_has_just_made_is_not_in_the_sdist(
    vendoring: Path, venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    """Python writes it when a frontend imports the backend, before the backend can prevent it."""
    (vendoring / "MANIFEST.in").write_text("graft _build\n")
    backend = vendoring / "_build" / OURS
    py_compile.compile(str(backend / "__init__.py"), doraise=True)
    caches = backend / "__pycache__"
    long_ago = 1_000_000_000  # so that it is another's, and not taken away
    for cached in caches.iterdir():
        os.utime(cached, (long_ago, long_ago))

    build = build_command(venv.python, vendoring, "-ns", "--outdir", str(tmp_path / "out"))
    done = run(build, env)

    assert done.status == 0, done.output
    assert list(caches.iterdir())
    found = names(tmp_path / "out" / SDIST)
    assert backend_files(vendoring) <= set(found)
    assert not [name for name in found if "__pycache__" in name]


@pytest.mark.usefixtures("whole_machine")
@pytest.mark.parametrize("manifest", ["", "graft _build\n", "global-include *\n"])
def test_eight_at_once(
    manifest: str, vendoring: Path, venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    """The backend is imported from the root, where Python caches its bytecode for a moment."""
    (vendoring / "MANIFEST.in").write_text(manifest)
    build = build_command(venv.python, vendoring, "-nsw")
    before = snapshot(vendoring)
    alone = run([*build, "--outdir", str(tmp_path / "alone")], env)
    assert alone.status == 0, alone.output
    right = contents(tmp_path / "alone")
    assert snapshot(vendoring) == before

    out = [tmp_path / f"out{number}" for number in range(8)]
    results = run_at_once(
        [[*build, "--outdir", str(directory)] for directory in out], env, tmp_path / "logs"
    )

    assert failures(results) == []
    assert snapshot(vendoring) == before
    for directory in out:
        assert contents(directory) == right


@pytest.mark.usefixtures("whole_machine")
def test_plain_setuptools_collides_at_eight(
    vendoring: Path, venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    """The control."""
    (vendoring / "pyproject.toml").write_text(pyproject(PLAIN, REQUIRES))
    right = reference(venv.python, vendoring, tmp_path / "reference")
    assert collides(build_command(venv.python, vendoring, "-nsw"), right, env, tmp_path)


def test_this_repository_builds_itself(
    venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    """In isolation; the wheel from the checkout is the one from its sdist."""
    env |= venv.offline
    root = checkout(tmp_path / "checkout")
    before = snapshot(root)
    from_sdist, from_checkout = tmp_path / "from_sdist", tmp_path / "from_checkout"

    for out, options in (from_sdist, []), (from_checkout, ["--sdist", "--wheel"]):
        done = run(build_command(venv.python, root, *options, "--outdir", str(out)), env)
        assert done.status == 0, done.output
        assert snapshot(root) == before

    assert contents(from_sdist) == contents(from_checkout)
    wheel, sdist = sorted(from_sdist.iterdir())
    sources = {path.relative_to(root / "src") for path in (root / "src").rglob("*.py")}
    assert {str(path) for path in sources} <= set(names(wheel))
    prefix = sdist.name.removesuffix(".tar.gz")
    assert {f"{prefix}/src/{path}" for path in sources} <= set(names(sdist))


def lasting_members(sdist: Path) -> list[tuple[object, ...]]:
    """Return the members of *sdist* that building an sdist from it does not change."""
    passing = ("/setup.cfg", "/SOURCES.txt")
    return [member for member in members(sdist) if not str(member[0]).endswith(passing)]


def checkout(target: Path) -> Path:
    """Copy what version control knows of this repository, as it is on the disk."""
    listed = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "-z"], capture_output=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("this is not a checkout of the repository")
    for name in filter(None, listed.stdout.decode().split("\0")):
        source = REPOSITORY / name
        if source.exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)
    return target


def unpack(sdist: Path, target: Path) -> Path:
    """Unpack *sdist*; return its only directory."""
    with tarfile.open(sdist) as archive:
        archive.extractall(target, filter="data")
    (directory,) = target.iterdir()
    return directory
