"""Finding the project to check, and copying it for one backend or the other."""

from __future__ import annotations

import functools
import os
import shutil
import stat
import sys
from typing import TYPE_CHECKING

import pytest
import tomlkit

from isolated_backend.cli import project
from isolated_backend.cli.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")

TABLE = '[build-system]\nrequires = ["setuptools", "Isolated_Backend>=0"]\nbuild-backend = "{}"\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "demo"
    root.mkdir()
    return root


@pytest.mark.parametrize(
    ("named", "own", "ours"),
    [
        ("setuptools.build_meta", "setuptools.build_meta", "isolated_backend"),
        (
            "setuptools.build_meta:__legacy__",
            "setuptools.build_meta:__legacy__",
            "isolated_backend:__legacy__",
        ),
        ("isolated_backend", "setuptools.build_meta", "isolated_backend"),
        (
            "isolated_backend:__legacy__",
            "setuptools.build_meta:__legacy__",
            "isolated_backend:__legacy__",
        ),
    ],
)
def test_setuptools_projects_are_taken(root: Path, named: str, own: str, ours: str) -> None:
    (root / "pyproject.toml").write_text(TABLE.format(named))
    found = project.find(str(root))
    assert (found.named_backend, found.own_backend, found.our_backend) == (named, own, ours)
    assert found.requires == ("setuptools",)
    assert found.name == "demo"


@pytest.mark.parametrize("pyproject", [None, "", "[tool.black]\n"])
def test_no_build_system_is_legacy(root: Path, pyproject: str | None) -> None:
    (root / "setup.py").touch()
    if pyproject is not None:
        (root / "pyproject.toml").write_text(pyproject)
    found = project.find(str(root))
    assert found.named_backend == "setuptools.build_meta:__legacy__"
    assert found.requires == ("setuptools >= 40.8.0",)


def test_no_build_backend_is_legacy(root: Path) -> None:
    (root / "setup.cfg").touch()
    (root / "pyproject.toml").write_text('[build-system]\nrequires = ["setuptools", "cython"]\n')
    found = project.find(str(root))
    assert found.named_backend == "setuptools.build_meta:__legacy__"
    assert found.requires == ("setuptools", "cython")


@pytest.mark.parametrize(
    ("pyproject", "message"),
    [
        (TABLE.format("hatchling.build"), "demo builds with hatchling.build, not setuptools;"),
        ("[build-system\n", "is not valid TOML:"),
        (b"\xff\n", "is not valid TOML:"),
        (b"\xef\xbb\xbf[build-system]\n", "begins with a byte order mark, and so is not valid"),
        (
            "[tool.poetry]\n",
            "names no build-backend and has no [project], and there is no setup.py",
        ),
        ("build-system = 1\n", "`build-system` must be a table."),
        ("[build-system]\n", "`requires` in [build-system] must be a list of strings."),
        ("[build-system]\nrequires = [1]\n", "must be a list of strings."),
        ("[build-system]\nrequires = []\nbuild-backend = 1\n", "must be a string."),
        ('[build-system]\nrequires = ["=1"]\n[project]\n', "'=1' is no requirement:"),
    ],
)
def test_others_are_refused_in_a_sentence(root: Path, pyproject: str | bytes, message: str) -> None:
    content = pyproject.encode() if isinstance(pyproject, str) else pyproject
    (root / "pyproject.toml").write_bytes(content)
    with pytest.raises(CommandError) as error:
        project.find(str(root))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_empty_directory_is_refused(root: Path) -> None:
    with pytest.raises(CommandError, match=r"no pyproject\.toml, no setup\.py and"):
        project.find(str(root))


def test_unreadable_pyproject_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "pyproject.toml").touch()

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(CommandError, match=r"cannot be read: Permission denied\.$"):
        project.find(str(root))


def _names(copy: Path) -> dict[str, object]:
    document = tomlkit.parse((copy / "pyproject.toml").read_text()).unwrap()
    return dict(document["build-system"])


def test_copies_differ_by_the_backend_alone(root: Path, tmp_path: Path) -> None:
    (root / "pyproject.toml").write_text("# mine\n" + TABLE.format("setuptools.build_meta"))
    found = project.find(str(root))
    texts = []
    for backend in (found.own_backend, found.our_backend):
        with project.copied(found, tmp_path / "copy", backend):
            text = (tmp_path / "copy" / "pyproject.toml").read_text()
            assert text != (root / "pyproject.toml").read_text(), "both must look modified to git"
            assert _names(tmp_path / "copy") == {
                "requires": ["setuptools", "isolated-backend"],
                "build-backend": backend,
            }
            texts.append(text.replace(f'"{backend}"', "*"))
        assert not (tmp_path / "copy").exists()
    assert texts[0] == texts[1]
    assert texts[0].startswith("# mine\n")


@pytest.mark.parametrize("pyproject", [None, "[tool.x]\ny = 1", "build-system.requires = []\n"])
def test_implied_backend_is_written_out(root: Path, tmp_path: Path, pyproject: str | None) -> None:
    (root / "setup.py").touch()
    if pyproject is not None:
        (root / "pyproject.toml").write_text(pyproject)
    found = project.find(str(root))
    with project.copied(found, tmp_path / "copy", "isolated_backend:__legacy__"):
        assert _names(tmp_path / "copy") == {
            "requires": [*found.requires, "isolated-backend"],
            "build-backend": "isolated_backend:__legacy__",
        }


def test_backend_path_is_kept_for_the_backend_it_leads_to(root: Path, tmp_path: Path) -> None:
    (root / "pyproject.toml").write_text(
        TABLE.format("isolated_backend") + 'backend-path = ["src"]\n'
    )
    found = project.find(str(root))
    with project.copied(found, tmp_path / "copy", found.our_backend):
        assert _names(tmp_path / "copy")["backend-path"] == ["src"]
    with project.copied(found, tmp_path / "copy", found.own_backend):
        assert "backend-path" not in _names(tmp_path / "copy")


@pytest.mark.parametrize("manifest", [None, b"include x"])
def test_backend_in_the_tree_is_listed_for_either_backend(
    manifest: bytes | None, root: Path, tmp_path: Path
) -> None:
    (root / "pyproject.toml").write_text(
        TABLE.format("isolated_backend") + 'backend-path = ["_a b"]\n'
    )
    if manifest is not None:
        (root / "MANIFEST.in").write_bytes(manifest)
    found = project.find(str(root))
    assert found.in_tree == ("_a b",)
    for backend in (found.own_backend, found.our_backend):
        with project.copied(found, tmp_path / "copy", backend):
            assert (tmp_path / "copy" / "MANIFEST.in").read_bytes() == (manifest or b"") + (
                b"\nrecursive-include _a?b/isolated_backend *.py py.typed\n"
            )


def test_what_no_build_needs_is_not_copied(root: Path, tmp_path: Path) -> None:
    (root / "setup.py").touch()
    skipped = [
        "__pycache__/x.pyc",
        "src/__pycache__/x.pyc",
        ".venv/x",
        ".tox/x",
        "env/pyvenv.cfg",
        "node_modules/x",
        f"tmp/{project.SCRATCH_PREFIX}1/x",
    ]
    kept = [
        ".git/HEAD",
        "build/lib/x",
        "src/venv/x.py",
        "src/pkg/node_modules/x",
        "demo.egg-info/x",
    ]
    for name in skipped + kept:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    with project.copied(project.find(str(root)), tmp_path / "copy", "isolated_backend"):
        assert [n for n in kept if not (tmp_path / "copy" / n).exists()] == []
        assert [n for n in skipped if (tmp_path / "copy" / n).exists()] == []


@needs_links
def test_links_stay_links(root: Path, tmp_path: Path) -> None:
    (root / "setup.py").touch()
    (root / "broken").symlink_to("nowhere")
    (root / "up").symlink_to("..")
    os.mkfifo(root / "pipe")
    with project.copied(project.find(str(root)), tmp_path / "copy", "isolated_backend"):
        assert os.readlink(tmp_path / "copy" / "broken") == "nowhere"
        assert os.readlink(tmp_path / "copy" / "up") == ".."
        assert not (tmp_path / "copy" / "pipe").exists()


@needs_links
def test_linked_pyproject_is_not_written_through(root: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared.toml"
    shared.write_text(TABLE.format("setuptools.build_meta"))
    (root / "pyproject.toml").symlink_to(shared)
    with project.copied(project.find(str(root)), tmp_path / "copy", "isolated_backend"):
        assert _names(tmp_path / "copy")["build-backend"] == "isolated_backend"
    assert shared.read_text() == TABLE.format("setuptools.build_meta")


@needs_links
def test_modes_are_kept_and_read_only_copies_removed(root: Path, tmp_path: Path) -> None:
    (root / "pyproject.toml").write_text(TABLE.format("setuptools.build_meta"))
    (root / "pyproject.toml").chmod(0o440)
    (root / "sub").mkdir()
    (root / "sub" / "x").touch()
    (root / "sub").chmod(0o555)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    try:
        with project.copied(project.find(str(root)), scratch / "copy", "isolated_backend"):
            mode = (scratch / "copy" / "pyproject.toml").stat().st_mode
            assert stat.S_IMODE(mode) == 0o440
        assert list(scratch.iterdir()) == []
    finally:
        (root / "sub").chmod(0o755)


def test_what_cannot_be_copied_is_named(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "setup.py").touch()
    found = project.find(str(root))
    (tmp_path / "copy").mkdir()
    with (
        pytest.raises(CommandError, match=r"demo cannot be copied: .*exists"),
        project.copied(found, tmp_path / "copy", "isolated_backend"),
    ):
        pass

    def refuse(source: str, destination: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(
        shutil, "copytree", functools.partial(shutil.copytree, copy_function=refuse)
    )
    with (
        pytest.raises(CommandError, match=r"setup\.py cannot be copied: .*Permission denied"),
        project.copied(found, tmp_path / "other", "isolated_backend"),
    ):
        pass
