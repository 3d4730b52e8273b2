"""What is there for Windows, tried where tests run, by imitation of that system."""

from __future__ import annotations

import ast
import ctypes
import ntpath
import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import isolated_backend
from isolated_backend import publish as publishing
from isolated_backend.redirect import files
from isolated_backend.shadow import lock, paths, removal, slots

PACKAGE = Path(isolated_backend.__file__).parent
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which files are open")


def refuse_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no file be renamed or removed while this process has it open."""

    def wrapped(original: Callable[..., None]) -> Callable[..., None]:
        def refusing(path: Any, *args: Any, **kwargs: Any) -> None:
            found = os.stat(path, dir_fd=kwargs.get("dir_fd"), follow_symlinks=False)
            for name in os.listdir("/proc/self/fd"):
                try:
                    is_open = os.path.samestat(os.fstat(int(name)), found)
                except OSError:  # the descriptor of the list itself
                    continue
                if is_open:
                    raise PermissionError(13, "The process cannot access the file", path)
            original(path, *args, **kwargs)

        return refusing

    for name in ("replace", "rename", "unlink", "remove"):
        monkeypatch.setattr(os, name, wrapped(getattr(os, name)))


@LINUX
def test_an_artifact_is_closed_when_it_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_open_files(monkeypatch)
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    with open(tmp_path / "control", "wb"), pytest.raises(PermissionError):
        os.unlink(tmp_path / "control")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / f".old{publishing.SUFFIX}").write_bytes(b"of a killed build")
    (tmp_path / "demo.whl").write_bytes(b"whole")
    publishing.publish(str(tmp_path / "demo.whl"), str(tmp_path / "dist"))
    assert os.listdir(tmp_path / "dist") == ["demo.whl"]


def test_nothing_asks_for_a_process_by_a_signal_that_ends_it_on_windows() -> None:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Attribute) and ast.unparse(node) == "os.kill"), path


def test_read_only_files_are_made_writable_to_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.unlink

    def refusing(path: Any, *, dir_fd: int | None = None) -> None:
        if not os.stat(path, dir_fd=dir_fd, follow_symlinks=False).st_mode & stat.S_IWUSR:
            raise PermissionError(13, "Access is denied", path)
        original(path, dir_fd=dir_fd)

    def tree() -> Path:
        path = tmp_path / "slot"
        (path / "below").mkdir(parents=True, exist_ok=True)
        (path / "below" / "file").touch()
        (path / "below" / "file").chmod(0o400)
        return path

    monkeypatch.setattr(os, "unlink", refusing)
    shutil.rmtree(tree(), ignore_errors=True)
    assert (tmp_path / "slot" / "below" / "file").exists()
    monkeypatch.setattr(removal, "sys", SimpleNamespace(platform="win32"))
    removal.remove(str(tree()))
    assert not (tmp_path / "slot").exists()


class Kernel:
    """Windows' locks: of bytes, exclusive or shared, and of a handle each."""

    def __init__(self) -> None:
        self.error = 33  # what the last call has failed with: a lock of another's
        self.locks: list[tuple[int, int, bool]] = []  # handle, first byte, is exclusive

    def LockFileEx(  # noqa: D102, N802
        self, handle: Any, flags: int, _: int, low: int, high: int, where: Any
    ) -> bool:
        assert (low, high) == (1, 0)
        first, exclusive = self._first(where), bool(flags & 2)
        if any(byte == first and (exclusive or other) for _, byte, other in self.locks):
            return False
        self.locks.append((handle.value, first, exclusive))
        return True

    def UnlockFileEx(self, handle: Any, _: int, low: int, high: int, where: Any) -> bool:  # noqa: D102, N802
        found = [one for one in self.locks if one[:2] == (handle.value, self._first(where))]
        for one in found:
            self.locks.remove(one)
        return bool(found)

    @staticmethod
    def _first(where: Any) -> int:
        low, high = where._obj.offset
        return int(low) + (int(high) << 32)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "WinDLL", lambda *_, **__: kernel, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: kernel.error, raising=False)
    monkeypatch.setattr(ctypes, "WinError", lambda code: OSError(code, "is no lock"), raising=False)
    msvcrt = ModuleType("msvcrt")
    msvcrt.get_osfhandle = lambda descriptor: descriptor  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "msvcrt", msvcrt)
    return kernel


def windows_lock() -> Any:
    """Return the module of locks as Windows has it."""
    module = ModuleType("lock")
    source = Path(lock.__file__).read_text(encoding="utf-8")
    exec(compile(source, lock.__file__, "exec"), module.__dict__)
    return module


def test_windows_locks_exclude_each_other_and_let_one_become_the_writer(kernel: Kernel) -> None:
    module = windows_lock()
    assert module.try_lock(3, shared=True)
    assert module.try_lock(4, shared=True)
    assert not module.try_lock(3)
    module.unlock(4)
    assert module.try_lock(3, shared=True)
    assert module.try_lock(3)  # its own shared lock is not in the way
    assert not module.try_lock(4, shared=True)


def test_a_failure_other_than_a_lock_of_somebody_else_is_an_error(kernel: Kernel) -> None:
    module = windows_lock()
    assert module.try_lock(3)
    kernel.error = 1
    with pytest.raises(OSError, match="is no lock"):
        module.try_lock(4)


def test_what_is_locked_on_windows_can_be_read_by_status(kernel: Kernel) -> None:
    windows_lock().try_lock(3)
    [(_, first, _)] = kernel.locks
    assert first > slots._LONGEST_LOCK


@pytest.fixture
def windows_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        paths,
        "os",
        SimpleNamespace(path=ntpath, sep="\\", curdir=".", pardir=".."),
    )


SLOT = r"C:\Temp\0"


@pytest.mark.parametrize(
    ("root", "place"),
    [
        (r"C:\me\demo", r"C\me\demo"),
        (r"D:\me\demo", r"D\me\demo"),
        (r"\\server\share\demo", r"server+share\demo"),
        (r"C:\{x}\demo", r"C\=\demo"),
    ],
)
@pytest.mark.usefixtures("windows_paths")
def test_a_drive_is_a_directory_of_the_shadow(root: str, place: str) -> None:
    assert paths._mirror_of(root, SLOT) == ntpath.join(SLOT, place)


@pytest.mark.usefixtures("windows_paths")
def test_a_long_root_has_a_short_place_that_is_as_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_LONGEST", 120)
    root = "C:\\" + "\\".join(["directory" * 4] * 6)
    assert paths._mirror_of(root, SLOT) == SLOT + r"\=" * 7


@pytest.mark.parametrize("root", [r"C:\me\demo", r"\\server\share\demo"])
@pytest.mark.parametrize("path", [r"D:\fast\disk", r"\\other\share\fast"])
@pytest.mark.usefixtures("windows_paths")
def test_what_is_on_another_drive_has_its_place_in_the_slot_too(root: str, path: str) -> None:
    shadow = paths.Shadow.__new__(paths.Shadow)
    shadow.root, shadow.slot, shadow.place = root, SLOT, paths._mirror_of(root, SLOT)
    shadow._asked, shadow._moved, shadow._absolute_names = [], {}, {}
    assert shadow.actual(path) == path  # ntpath.relpath would raise a ValueError
    assert shadow.relocate(path) == paths._mirror_of(path, SLOT)
    assert shadow.in_tree(paths._mirror_of(path, SLOT) + r"\x") == path + r"\x"
    shadow._seeded = set(shadow._moved)
    assert shadow.actual(path + r"\x") == paths._mirror_of(path, SLOT) + r"\x"


@pytest.mark.usefixtures("windows_paths")
def test_a_name_in_other_letters_is_the_same_on_windows() -> None:
    shadow = paths.Shadow.__new__(paths.Shadow)
    shadow.root = r"C:\me\demo"
    assert shadow._from_root(r"c:\Me\DEMO\build") == "build"


@pytest.mark.parametrize("is_loaded", [True, False])
def test_a_library_in_use_makes_way_for_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_loaded: bool
) -> None:
    target, made = tmp_path / "fast.pyd", tmp_path / "slot.pyd"
    target.write_bytes(b"old")
    made.write_bytes(b"new")
    os.utime(target, (1, 1))
    loaded = {target.stat().st_ino} if is_loaded else set()

    def refusing(original: Callable[..., None], which: int) -> Callable[..., None]:
        def call(*names: Any) -> None:
            if os.path.exists(names[which]) and os.stat(names[which]).st_ino in loaded:
                raise PermissionError(13, "Access is denied", names[which])
            original(*names)

        return call

    monkeypatch.setattr(os, "replace", refusing(os.replace, 1))
    monkeypatch.setattr(os, "unlink", refusing(os.unlink, 0))
    shadow = SimpleNamespace(slot="/slot", actual=str, is_in_root=lambda _: True)
    call: Any = SimpleNamespace(shadow=shadow, settings=SimpleNamespace(in_tree_writes="lock"))
    command = SimpleNamespace(force=True)

    def install() -> None:
        files._copy_file(
            call,
            lambda _, source, place: (shutil.copy(source, place), True),
            command,
            str(made),
            str(target),
        )

    install()
    assert target.read_bytes() == b"new"
    aside = [path for path in tmp_path.iterdir() if path.name.endswith(publishing.SUFFIX)]
    assert [path.read_bytes() for path in aside] == [b"old"] * is_loaded
    install()  # what is in use yet stays
    assert all(path.exists() for path in aside)
    loaded.clear()
    install()
    assert not list(tmp_path.glob("*" + publishing.SUFFIX))
