"""`status` and `clean`: who has a shadow, and that none in use is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from isolated_backend.cli import main, shadows
from isolated_backend.cli.status import Tree
from isolated_backend.shadow import slots
from isolated_backend.shadow import temporary as temporary_files
from isolated_backend.shortcuts import compiled
from isolated_backend.writers.access import Access
from isolated_backend.writers.treelock import open_lock

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells who holds a lock")
needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="has other permissions")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "demo"
    root.mkdir()
    (root / "pyproject.toml").touch()
    return root


@pytest.fixture
def temporary() -> Path:
    return Path(os.environ["TMPDIR"])


@contextmanager
def _building(root: Path, hook: str = "build_wheel", *, writes: bool = False) -> Iterator[int]:
    """Keep a process that has a shadow of *root* and holds its tree; yield its number."""
    script = f"""
        import os, sys
        from isolated_backend.shadow import slots
        from isolated_backend.writers.access import Access
        with slots.lease({str(root)!r}, os.environ["TMPDIR"], purpose={hook!r}) as place:
            writer = "a test" if {writes} else None
            with Access({str(root)!r}, "auto", timeout=9, own=[place], writer=writer).granted():
                with open(os.path.join(place, "file"), "w") as file:
                    file.write("12345")
                print("ready", flush=True)
                sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
        process.stdin.close()


def _left(root: Path, temporary: Path, content: str = "12345") -> Path:
    """Leave what a killed build does; return the shadow."""
    with slots.lease(str(root), str(temporary), purpose="build_sdist") as place:
        pass
    Path(place, "build").mkdir(parents=True)
    Path(place, "build", "file").write_text(content)
    Path(place + slots.LOCK).write_text(f"99999999\nbuild_sdist\n{root}")
    return Path(place)


def _kept(root: Path, temporary: Path) -> Path:
    with slots.lease(str(root), str(temporary), keep=True) as place:
        Path(place, "file").write_text("1")
    return Path(place)


def _status(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["status", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_nothing_is_in_use(root: Path, temporary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _status(capsys) == {"temporary": str(temporary), "shadows": [], "trees": []}
    with slots.lease(str(root), str(temporary)):
        pass
    assert _status(capsys)["shadows"] == [], "a number that is free is nothing to tell of"
    assert main(["status"]) == 0
    assert capsys.readouterr().out == f"0 shadows in use in {temporary}.\n"


@on_linux
@pytest.mark.parametrize("writes", [False, True])
def test_a_build_at_work(
    writes: bool, root: Path, temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    user = Path.home().owner()
    with _building(root, writes=writes) as pid:
        found = _status(capsys)
        assert found["shadows"] == [
            {
                "path": os.path.join(temporary_files.directory_of(str(root), str(temporary)), "0"),
                "state": "in use",
                "user": user,
                "pid": pid,
                "hook": "build_wheel",
                "root": str(root),
                "size": 5,
            }
        ]
        assert found["trees"] == [
            {
                "root": str(root),
                "holders": [{"pid": pid, "user": user, "writing": writes}],
                "awaited": False,
            }
        ]
        assert main(["status"]) == 0
        text = capsys.readouterr().out
        does = "writes into" if writes else "reads"
        assert f", of {user}, {does} {root}\n" in text
        assert f"process {pid} (" in text
        assert text.endswith(f"1 shadow in use in {temporary}.\n")
    assert _status(capsys)["shadows"] == []


@on_linux
def test_a_writer_that_waits(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with _building(root):
        waiting = open_lock(str(root))
        assert not waiting.try_write()
        assert _status(capsys)["trees"][0]["awaited"]
        assert main(["status"]) == 0
        waits = f"a build waits for its turn to write into {root}\n"
        assert waits in capsys.readouterr().out
        waiting.close()
        assert not _status(capsys)["trees"][0]["awaited"]


def _nameless(self: Path) -> str:
    raise KeyError


def test_several_builds_of_several_projects(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with _building(root) as first, _building(root, "build_sdist") as second, _building(other):
        found = _status(capsys)
        assert [(each["pid"], each["hook"]) for each in found["shadows"][:2]] == [
            (first, "build_wheel"),
            (second, "build_sdist"),
        ]
        assert [each["root"] for each in found["trees"]] == [str(root), str(other)]


def test_a_root_that_is_gone_has_no_holders(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with _building(root):
        (root / "pyproject.toml").unlink()
        root.rename(root.with_name("gone"))
        found = _status(capsys)
        assert [each["state"] for each in found["shadows"]] == ["in use"]
        assert found["trees"] == []


def test_leftovers_and_kept_ones_are_shown(
    root: Path, temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, left = _kept(root, temporary), _left(root, temporary)
    private = temporary / (temporary_files.PREFIX + "abc")
    private.mkdir()
    found = {each["path"]: each for each in _status(capsys)["shadows"]}
    assert {path: each["state"] for path, each in found.items()} == {
        str(kept): "kept",
        str(left): "idle",
        str(private): "unknown",
    }
    assert found[str(left)]["pid"] is None, "it is dead"
    assert (found[str(left)]["root"], found[str(left)]["hook"]) == (str(root), "build_sdist")
    assert main(["status"]) == 0
    assert capsys.readouterr().out.endswith(
        "Killed builds have left files; `isolated-backend clean` removes them.\n"
    )


@pytest.mark.parametrize("content", ["", "x\ny\nz", "1"])
def test_a_lock_that_tells_nothing(
    content: str, root: Path, temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process that setup.py has forked goes on without the build."""
    with slots.lease(str(root), str(temporary)) as place:
        Path(place + slots.LOCK).write_text(content)
        (found,) = _status(capsys)["shadows"]
        assert (found["state"], found["pid"], found["root"]) == ("in use", None, None)
        assert main(["status"]) == 0


def test_another_users_text_is_neither_markup_nor_obeyed(
    root: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    purpose, place = "[bold]build[/bold]", f"{root}/[/]\x1b[2J\n\x9b1m"
    with slots.lease(str(root), str(temporary)) as shadow:
        Path(shadow + slots.LOCK).write_bytes(os.fsencode(f"7\n{purpose}\n{place}"))
        assert main(["status"]) == 0
        shown = capsys.readouterr().out
        assert _status(capsys)["shadows"][0]["root"] == place
    assert not {"\x1b", "\x9b"} & set(shown)
    assert purpose in shown
    assert r"[/]\x1b[2J\n\x9b1m" in shown


@needs_posix
def test_a_device_is_not_opened(
    root: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "pyproject.toml").unlink()
    (root / "pyproject.toml").symlink_to("/dev/null")
    opened: list[object] = []
    with slots.lease(str(root), str(temporary)):
        monkeypatch.setattr(Tree, "of", opened.append)
        assert _status(capsys)["trees"] == []
    assert not opened


@needs_posix
def test_a_lock_that_is_something_else_keeps_nobody_waiting(
    root: Path, tmp_path: Path, temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = _left(root, temporary)
    lock = Path(f"{left}{slots.LOCK}")
    lock.rename(tmp_path / "lock")
    os.mkfifo(lock)
    (found,) = _status(capsys)["shadows"]
    assert (found["pid"], found["root"]) == (None, None)
    lock.unlink()
    lock.symlink_to(tmp_path / "lock")
    (found,) = _status(capsys)["shadows"]
    assert (found["state"], found["root"]) == ("unknown", None)


def test_without_a_lock_nothing_is_known(
    root: Path, temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = _left(root, temporary)
    Path(f"{left}{slots.LOCK}").unlink()
    (found,) = _status(capsys)["shadows"]
    assert found["state"] == "unknown"
    assert main(["clean"]) == 0
    assert left.exists(), "nor is it touched"


@needs_posix
def test_an_owner_without_a_name_has_a_number(
    root: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _left(root, temporary)
    monkeypatch.setattr(Path, "owner", _nameless)
    assert [each.user for each in shadows.visible(str(temporary))] == [str(os.getuid())]


def test_the_owner_of_what_is_gone_is_unknown(tmp_path: Path) -> None:
    assert shadows.owner(tmp_path / "gone") == "unknown"


def test_what_is_not_a_project_is_passed_over(
    root: Path, temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = _left(root, temporary)
    (left.parent.parent / "file").touch()
    (left.parent / "tree.lock").touch()
    (temporary / (temporary_files.PREFIX + "file")).touch()
    assert len(_status(capsys)["shadows"]) == 1


def test_clean_empties_what_is_idle(
    root: Path, tmp_path: Path, temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    kept = _kept(root, temporary)
    with _building(root):
        (used,) = [e["path"] for e in _status(capsys)["shadows"] if e["state"] == "in use"]
        left = [_left(each, temporary, "x" * 1000) for each in (root, other)]
        assert main(["clean"]) == 0
        assert capsys.readouterr().out.splitlines() == [
            *(f"emptied {path}" for path in left),
            f"2 shadows emptied in {temporary}, 2.0 kB freed; 1 in use; "
            "1 kept (`--kept` empties them, too).",
        ]
        assert Path(used, "file").read_text() == "12345"
        assert (kept / "file").exists()
        assert not any(path.exists() for path in left)
    assert main(["clean"]) == 0
    assert capsys.readouterr().out == (
        f"0 shadows emptied in {temporary}, 0 bytes freed; 1 kept (`--kept` empties them, too).\n"
    )


def test_clean_empties_what_was_kept_if_told(
    root: Path, temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = _kept(root, temporary)
    assert main(["clean", "--kept"]) == 0
    assert capsys.readouterr().out == (
        f"emptied {kept}\n1 shadow emptied in {temporary}, 1 byte freed.\n"
    )
    with slots.lease(str(root), str(temporary)) as place:
        assert Path(place) == kept, "it is used again"


def test_compiled_files_go_too(
    root: Path, temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with slots.lease(str(root), str(temporary)):
        pass
    files = Path(compiled.directory())
    files.parent.mkdir(mode=0o700, parents=True)
    files.mkdir()
    (files / "00112233.cpython-311.pyc").write_bytes(b"x" * 1000)
    assert _status(capsys)["shadows"] == []
    assert main(["clean"]) == 0
    assert capsys.readouterr().out == (
        f"removed the compiled files in {files}\n0 shadows emptied in {temporary}, 1.0 kB freed.\n"
    )
    assert not files.exists()


def test_a_kept_one_that_is_used_again_by_then_is_not_touched(
    root: Path, temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with slots.lease(str(root), str(temporary)) as place:
        Path(place + slots.KEPT).touch()
        Path(place, "file").touch()
        assert main(["clean", "--kept"]) == 0
        assert "0 shadows emptied" in capsys.readouterr().out
        assert Path(place, "file").exists()
        assert Path(place + slots.KEPT).exists()


def test_nothing_to_clean(temporary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clean"]) == 0
    assert capsys.readouterr().out == f"0 shadows emptied in {temporary}, 0 bytes freed.\n"


@needs_posix
def test_a_directory_that_others_can_write_is_not_cleaned(
    root: Path, temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = _left(root, temporary)
    left.parent.parent.chmod(0o777)
    assert main(["clean"]) == 0
    assert "0 shadows emptied" in capsys.readouterr().out
    assert left.exists()


def test_what_cannot_be_cleaned_is_named(
    root: Path,
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    left = _left(root, temporary)

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("isolated_backend.cli.shadows.remove", refuse)
    assert main(["clean"]) == 2
    assert capsys.readouterr().err == (
        f"isolated-backend: {left} cannot be emptied: Permission denied.\n"
    )


@pytest.mark.parametrize("command", ["status", "clean"])
def test_no_directory_for_temporary_files(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TMPDIR", "/no/such/directory")
    assert main([command]) == 2
    assert "TMPDIR=/no/such/directory is not a directory" in capsys.readouterr().err


def test_a_hook_says_what_it_is(root: Path, temporary: Path) -> None:
    """The lock file of a slot names the process, the hook and the project while it is in use."""
    with slots.lease(str(root), str(temporary), purpose="build_sdist") as place:
        assert slots.Tenant.of(place) == (os.getpid(), "build_sdist", os.path.realpath(root))
    assert slots.Tenant.of(place) is None
    assert Path(place + slots.LOCK).read_bytes() == b""


def test_a_full_disk_is_no_reason_not_to_build(
    root: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        patched.setattr(os, "ftruncate", full)
        with slots.lease(str(root), str(temporary)) as place:
            assert Path(place).is_dir()
    assert not Path(place).exists()


def test_looking_at_a_tree_holds_nothing(root: Path) -> None:
    with Access(str(root), "auto", timeout=9).granted():
        before = Tree.of(str(root))
        assert Tree.of(str(root)) == before
    lock = open_lock(str(root))
    assert lock.try_write()
    lock.close()
