"""The projects to show `check` with."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from isolated_backend.cli import demo, process, project
from isolated_backend.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[[list[str], dict[str, str]], tuple[int, str]]


def _sdist(path: Path, *names: str, kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/"
            archive.addfile(entry, io.BytesIO())
    return path


def _pip(effect: Callable[[Path], None], status: int = 0, output: str = "") -> Run:
    """Return what stands in for `process.run`: a pip that has *effect* on its destination."""

    def run(command: list[str], variables: dict[str, str]) -> tuple[int, str]:
        assert command[1:4] == ["-m", "pip", "download"]
        destination = command[command.index("--dest") + 1]
        assert variables["TMPDIR"] == destination, "it must go away with the rest"
        effect(Path(destination))
        return status, output

    return run


def _without_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the filter from `demo` alone: from Python 3.14 on, `tarfile` itself needs it."""
    names = {name: value for name, value in vars(tarfile).items() if name != "data_filter"}
    monkeypatch.setattr(demo, "tarfile", SimpleNamespace(**names))


def test_fetched_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{demo.NAME}-{demo.VERSION}"

    def download(directory: Path) -> None:
        _sdist(directory / f"{name}.tar.gz", f"{name}/setup.py")

    monkeypatch.setattr(process, "run", _pip(download))
    said: list[str] = []
    root = demo.fetch_or_generate(tmp_path / "demo", said.append)
    assert project.find(str(root)).name == name
    assert said == [f"fetching {demo.NAME} {demo.VERSION}"]


def test_generated_project_where_it_cannot_be_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        process, "run", _pip(lambda _: None, 1, "WARNING: retrying\nERROR: no network\n")
    )
    said: list[str] = []
    root = demo.fetch_or_generate(tmp_path / "demo", said.append)
    assert project.find(str(root)).own_backend == "setuptools.build_meta"
    assert len(list(root.glob("src/sample/module_*.py"))) == 300
    assert len(said) == 2
    assert "babel cannot be fetched (ERROR: no network); taking a generated project" in said[1]


@pytest.mark.parametrize("filtered", [True, False])
@pytest.mark.parametrize(
    ("names", "kind"),
    [(["../x"], tarfile.REGTYPE), (["d/../../x"], tarfile.REGTYPE), (["x"], tarfile.SYMTYPE)],
)
def test_unsafe_archive_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    filtered: bool,
    names: list[str],
    kind: bytes,
) -> None:
    if not filtered:
        _without_filter(monkeypatch)
    into = tmp_path / "into"
    with pytest.raises(CommandError, match=r"^a\.tar\.gz "):
        demo.unpack(_sdist(tmp_path / "a.tar.gz", *names, kind=kind), into)
    assert not (tmp_path / "x").exists()
    assert not (into / "x").is_symlink()


@pytest.mark.parametrize("filtered", [True, False])
def test_absolute_members_do_not_get_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filtered: bool
) -> None:
    if not filtered:
        _without_filter(monkeypatch)
    target = tmp_path / "out" / "x"
    sdist = _sdist(tmp_path / "a.tar.gz", str(target))
    try:
        demo.unpack(sdist, tmp_path / "into")
    except CommandError:
        assert not filtered
    assert not target.exists()


@pytest.mark.filterwarnings("ignore:Python 3.14:DeprecationWarning")
def test_unpacks_without_the_filter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _without_filter(monkeypatch)
    demo.unpack(_sdist(tmp_path / "a.tar.gz", "a/b"), tmp_path)
    assert (tmp_path / "a" / "b").is_file()


def test_damaged_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(b"no")
    with pytest.raises(CommandError, match=r"a\.tar\.gz cannot be unpacked"):
        demo.unpack(tmp_path / "a.tar.gz", tmp_path)
