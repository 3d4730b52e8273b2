"""A root that cannot be written, and a project that writes there: one sentence says so."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

import isolated_backend
from isolated_backend import writers
from isolated_backend.errors import BackendError, PrivateTreeError
from isolated_backend.writers import privatetree
from private import configure, project_that_writes


@pytest.fixture
def writer(tmp_path: Path) -> Path:
    """Return the root of a project that writes into its tree."""
    return project_that_writes(tmp_path / "work" / "writer")


def test_what_was_to_be_written_is_one_sentence(tmp_path: Path) -> None:
    """With real mounts: integration/test_private_trees.py."""
    error = SystemExit("error: cannot")
    error.__context__ = OSError(errno.EROFS, "Read-only file system")
    with pytest.raises(BackendError) as found:
        writers._name_read_only_root(str(tmp_path), "package/_version.py", "reasons", error)
    assert str(found.value) == (
        f"{tmp_path} cannot be written, and the project's own code writes package/_version.py "
        "there while it is built; nor is there a private tree of it, for reasons."
    )


def test_another_error_stays_what_it_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    writers._name_read_only_root(str(tmp_path), "x.c", None, KeyError())
    said = capfd.readouterr().err
    assert said.startswith("isolated-backend: warning: ")
    assert "writes x.c there" in said


def test_without_one_a_read_only_root_says_what_was_to_be_written(
    writer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the real thing, but for the superuser, too."""
    configure(writer, "auto")
    monkeypatch.chdir(writer)
    monkeypatch.setattr(os, "access", lambda path, *_, **__: path != str(writer))
    monkeypatch.setenv("FAIL", "PermissionError(13, 'Permission denied')")

    def refuse(*_: object, **__: object) -> None:
        raise PrivateTreeError("reasons")

    monkeypatch.setattr(privatetree, "run", refuse)
    with pytest.raises(SystemExit, match=r"writes writer/_version.py there .* for reasons\."):
        isolated_backend.build_sdist(str(tmp_path / "out"))
