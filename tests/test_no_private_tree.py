"""Where there are no private trees, and why, in words."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isolated_backend import kernel
from isolated_backend.errors import PrivateTreeError
from isolated_backend.writers import overlay, privatetree
from private import in_a_fork, needs_private_trees


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir(mode=0o700)
    return tmp_path / "place"


def laid_over(root: Path, place: Path, function: Callable[[], Any]) -> Any:
    """Return what *function* returns in a private tree."""

    def inside() -> Any:
        overlay.lay_over(str(root), str(place))
        return function()

    return in_a_fork(inside)


def refused(root: Path, place: Path) -> str:
    with pytest.raises(PrivateTreeError) as error:
        in_a_fork(lambda: overlay.lay_over(str(root), str(place)))
    return str(error.value)


@pytest.mark.parametrize(
    ("function", "fails", "says"),
    [
        ("unshare", errno.EPERM, "the kernel grants no user namespace (Operation not permitted)"),
        ("unshare", errno.ENOSPC, "the kernel grants no namespace (No space left on device)"),
        ("mount", errno.EACCES, "the kernel lets no mount be private (Permission denied)"),
    ],
)
@needs_private_trees
def test_what_the_kernel_refuses_is_the_reason(
    function: str, fails: int, says: str, root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(fails, os.strerror(fails))

    monkeypatch.setattr(kernel, function, refuse)
    assert refused(root, place) == says


@needs_private_trees
def test_an_upper_layer_that_takes_no_notes_is_refused(
    root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would mount, but not let a directory be removed and made again."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", refuse)
    assert "takes no extended attributes" in refused(root, place)


@needs_private_trees
def test_memory_serves_where_tmpdir_does_not(
    root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, overlays = overlay._overlay_from, []

    def on_the_second_attempt(*arguments: str) -> None:
        overlays.append(arguments)
        if len(overlays) == 1:
            raise OSError(errno.EINVAL, "Invalid argument")
        original(*arguments)

    monkeypatch.setattr(overlay, "_overlay_from", on_the_second_attempt)

    def function() -> int:
        (root / "new").touch()
        return len(overlays)

    assert laid_over(root, place, function) == 2
    assert list((place / overlay.LAYERS).iterdir()) == []


@needs_private_trees
def test_a_kernel_without_the_quick_way_out(
    root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = kernel.mount

    def old(source: Any, target: str, kind: Any, flags: int, data: str = "") -> None:
        if "volatile" in data:
            raise OSError(errno.EINVAL, "Invalid argument")
        original(source, target, kind, flags, data)

    monkeypatch.setattr(kernel, "mount", old)
    laid_over(root, place, (root / "new").touch)
    assert not (root / "new").exists()


@needs_private_trees
def test_an_owner_whom_a_user_namespace_does_not_know(
    root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(kernel, "unshare", deny)
    monkeypatch.setattr(os, "getegid", lambda: -1)
    assert refused(root, place).startswith(f"{root} belongs to a user or a group")


def refused_before(root: Path, place: Path) -> str:
    with pytest.raises(PrivateTreeError) as error:
        privatetree.run(os.getpid, str(root), str(place))
    return str(error.value)


@needs_private_trees
def test_a_mount_in_the_root_would_be_hidden(
    root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privatetree, "_mount_below", lambda _: f"{root}/data")
    assert refused_before(root, place) == f"there is another mount in it, {root}/data"


def test_a_mount_below_a_directory_is_found() -> None:
    assert privatetree._mount_below("/") is not None
    assert privatetree._mount_below("/proc/self") is None


def test_another_system_has_none(root: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert refused_before(root, place) == "this system is not Linux"


def test_a_python_without_ctypes_has_none(
    root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privatetree, "find_spec", lambda _: None)
    assert refused_before(root, place) == "this Python has no ctypes"
