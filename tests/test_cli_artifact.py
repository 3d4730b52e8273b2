"""What counts as a difference between two artifacts."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from isolated_backend.cli import artifact

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Files = dict[str, str]


def sdist(path: Path, files: Files, mode: int = 0o644, mtime: int = 0, link: str = "a") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"demo-1.0/{name}")
            entry.mode, entry.mtime, entry.size = mode, mtime, len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
        entry = tarfile.TarInfo("demo-1.0/link")
        entry.type, entry.linkname, entry.mtime = tarfile.SYMTYPE, link, mtime
        archive.addfile(entry)
    return path


def wheel(path: Path, files: Files, mode: int = 0o644, mtime: int = 0) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, (1980 + mtime, 1, 1, 0, 0, 0))
            entry.external_attr = mode << 16
            archive.writestr(entry, text)
    return path


@pytest.fixture(params=[(sdist, ".tar.gz"), (wheel, ".whl")], ids=["sdist", "wheel"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., artifact.Contents]:
    function, suffix = request.param

    def made(*args: object, **kwargs: object) -> artifact.Contents:
        (tmp_path / "dist").mkdir(exist_ok=True)
        return artifact.read(function(tmp_path / "dist" / f"demo-1.0{suffix}", *args, **kwargs))

    return made


FILES = {"a": "1", "b": "2"}


def test_times_do_not_count(make: Callable[..., artifact.Contents]) -> None:
    assert make(FILES) == make(FILES, mtime=9)


@pytest.mark.parametrize(
    ("files", "mode", "names"),
    [
        ({"a": "1", "b": "3"}, 0o644, ["b"]),
        ({"a": "1", "b": "2", "c": ""}, 0o644, ["c"]),
        ({"a": "1"}, 0o644, ["b"]),
        ({"b": "2", "a": "1"}, 0o644, ["a"]),
        (FILES, 0o755, ["a", "b"]),
    ],
)
def test_content_order_and_modes_count(
    make: Callable[..., artifact.Contents], files: Files, mode: int, names: list[str]
) -> None:
    one, other = make(FILES), make(files, mode=mode)
    assert one != other
    assert not one.same_as(other)
    assert [name.removeprefix("demo-1.0/") for name in one.differing(other)] == names


def test_link_targets_count(tmp_path: Path) -> None:
    one = artifact.read(sdist(tmp_path / "x.tar.gz", FILES))
    other = artifact.read(sdist(tmp_path / "x.tar.gz", FILES, link="b"))
    assert one.differing(other) == ["demo-1.0/link"]


def test_the_backends_name_makes_no_other_content(tmp_path: Path) -> None:
    contents = [
        artifact.read(sdist(tmp_path / "x.tar.gz", {**FILES, "pyproject.toml": text}))
        for text in ("one", "two")
    ]
    assert contents[0] != contents[1], "but of one half all must be the same"
    assert contents[0].same_as(contents[1])
    assert contents[0].differing(contents[1]) == []


def test_other_files_of_that_name_count(tmp_path: Path) -> None:
    contents = [
        artifact.read(sdist(tmp_path / "x.tar.gz", {"tests/pyproject.toml": text}))
        for text in ("one", "two")
    ]
    assert not contents[0].same_as(contents[1])


def test_damaged_archive_is_different(
    make: Callable[..., artifact.Contents], tmp_path: Path
) -> None:
    whole = make({"a": "x" * 10000})
    (path,) = (tmp_path / "dist").iterdir()
    for size in (path.stat().st_size - 20, 5, 0):
        path.write_bytes(path.read_bytes()[:size])
        damaged = artifact.read(path)
        assert not damaged.same_as(whole)
        assert "(the archive is damaged)" in damaged.differing(whole)
