"""Compiled files that outlive an environment."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import sysconfig
import traceback
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from artifacts import particulars
from backends import OURS, HookProcess
from isolated_backend import compiled, slots

SOURCE = "def where():\n    raise LookupError\n"


@pytest.fixture
def home() -> Path:
    return Path(slots.home(slots.temporary_directory()))


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in an environment of its own, where nothing is compiled."""
    path = tmp_path / "environment"
    path.mkdir()
    monkeypatch.setattr(sys, "prefix", str(path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return path


def loaded(path: Path, source: str = SOURCE) -> ModuleType:
    """Import the module at *path*, with sharing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    os.utime(path, (1_000_000_000,) * 2)
    spec = spec_from_file_location(path.stem, path)
    module = module_from_spec(spec)
    with compiled.shared():
        spec.loader.exec_module(module)
    return module


def cached(path: Path) -> Path:
    """Return where Python itself puts the compiled file of the module at *path*."""
    return path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"


def test_the_next_environment_finds_what_the_first_has_compiled(
    environment: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the path of its own source in the traceback, and nothing written there."""
    first, second = environment / "first" / "module.py", environment / "second" / "other.py"
    loaded(first)
    assert cached(first).exists()  # as ever
    (kept,) = (home / compiled.NAME).iterdir()
    assert kept.stat().st_nlink == 1

    monkeypatch.setattr("builtins.compile", refused)
    monkeypatch.setattr(SourceFileLoader, "source_to_code", refused)
    module = loaded(second)
    assert not cached(second).exists()
    with pytest.raises(LookupError) as raised:
        module.where()
    assert traceback.extract_tb(raised.tb)[-1].filename == str(second)


def refused(*_: object, **__: object) -> None:
    raise AssertionError("compiled again")


def test_another_source_of_the_same_size_and_time_is_another(environment: Path, home: Path) -> None:
    one = loaded(environment / "first" / "module.py", "value = 1\n")
    two = loaded(environment / "second" / "module.py", "value = 2\n")
    assert (one.value, two.value) == (1, 2)
    assert len(list((home / compiled.NAME).iterdir())) == 2


def test_an_environment_with_compiled_files_takes_no_part(environment: Path, home: Path) -> None:
    path = environment / "module.py"
    loaded(path)
    shutil.rmtree(home / compiled.NAME)
    loaded(path)
    assert not (home / compiled.NAME).exists()


def test_what_is_not_in_the_environment_takes_no_part(
    environment: Path, home: Path, tmp_path: Path
) -> None:
    """The project, the standard library."""
    path = tmp_path / "project" / "module.py"
    loaded(path)
    assert cached(path).exists()
    assert not (home / compiled.NAME).exists()


def test_who_wants_no_compiled_files_gets_none(
    environment: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loaded(environment / "module.py")
    assert not (home / compiled.NAME).exists()


def test_a_prefix_of_the_user_is_enough(
    environment: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(environment / "prefix"))
    loaded(environment / "module.py")
    assert list((environment / "prefix").rglob("*.pyc"))
    assert not (home / compiled.NAME).exists()


def test_optimized_files_are_others(environment: Path, home: Path) -> None:
    """Asserts are left out of one."""
    (environment / "module.py").write_text("assert False, 'heard'\n")
    code = (
        "import sys\nsys.prefix = sys.argv[1]\nsys.path.insert(0, sys.prefix)\n"
        "from isolated_backend import compiled\nwith compiled.shared():\n    import module\n"
    )
    for options, status in (["-O"], 0), ([], 1), (["-O"], 0), ([], 1):
        shutil.rmtree(environment / "__pycache__", ignore_errors=True)
        command = [sys.executable, *options, "-c", code, str(environment)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        assert ("heard" in done.stderr) == bool(status)
    kinds = {file.name.partition(".")[2] for file in (home / compiled.NAME).iterdir()}
    tag = sys.implementation.cache_tag
    assert kinds == {f"{tag}.pyc", f"{tag}.opt-1.pyc"}


def test_of_another_pythons_file_nothing_is_made(environment: Path, home: Path) -> None:
    """The same name, but for a Python whose code is another: it is replaced."""
    loaded(environment / "first" / "module.py")
    (kept,) = (home / compiled.NAME).iterdir()
    right = kept.read_bytes()
    kept.write_bytes(b"\0\0\r\n" + right[4:])
    loaded(environment / "second" / "module.py")
    assert kept.read_bytes()[:16] == right[:16]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_where_it_cannot_be_written_nothing_is_shared(
    number: int, environment: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("isolated_backend.compiled.os.replace", replace)
    assert loaded(environment / "module.py").where
    assert list((home / compiled.NAME).iterdir()) == []


def test_a_directory_that_others_can_touch_is_not_used(environment: Path, home: Path) -> None:
    home.mkdir(mode=0o755)
    loaded(environment / "module.py")
    assert list(home.iterdir()) == []


def test_a_module_without_source_is_missing_as_ever(environment: Path) -> None:
    loader = SourceFileLoader("gone", str(environment / "gone.py"))
    with compiled.shared(), pytest.raises(FileNotFoundError, match=r"gone\.py"):
        loader.get_data(str(cached(environment / "gone.py")))


def test_everything_is_given_back(environment: Path) -> None:
    def here() -> tuple[Any, Any]:
        return vars(SourceFileLoader).get("get_data"), vars(SourceFileLoader)["set_data"]

    before = here()
    with compiled.shared():
        outer = here()
        with compiled.shared():  # a hook that calls another
            assert here() != outer
        assert here() == outer
    assert before[0] is None
    assert here() == before


def test_what_somebody_else_puts_there_stays(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SourceFileLoader, "set_data", SourceFileLoader.set_data)
    monkeypatch.setattr(SourceFileLoader, "get_data", SourceFileLoader.get_data, raising=False)
    with compiled.shared():
        SourceFileLoader.get_data = SourceFileLoader.set_data = refused
    assert SourceFileLoader.get_data is SourceFileLoader.set_data is refused


def test_a_build_in_a_new_environment_compiles_nothing(
    sample: Callable[[str], Path], tmp_path: Path, home: Path
) -> None:
    """As uv makes one for each isolated build: without compiled files, and for that build alone."""
    wheels = []
    for number in range(2):
        root, out = sample("src_layout"), tmp_path / f"out{number}"
        out.mkdir()
        python = uncompiled(tmp_path / f"environment{number}")
        build = HookProcess(OURS, root, python=python)
        (outcome,) = build(("build_wheel", {"wheel_directory": str(out)}))
        assert outcome.error == "", build.output
        wheels.append(dict(particulars(out / outcome.result, 0)))
        shutil.rmtree(root)
        assert any(python.parents[1].rglob("setuptools/**/*.pyc")) == (number == 0)
    assert wheels[0].keys() == wheels[1].keys()
    assert len(list((home / compiled.NAME).iterdir())) > 50


def uncompiled(path: Path) -> Path:
    """Make an environment with what a build needs, none of it compiled; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", path], check=True)
    purelib = Path(sysconfig.get_path("purelib"))
    there = Path(sysconfig.get_path("purelib", vars={"base": str(path)}))
    ignored = shutil.ignore_patterns("__pycache__")
    for pattern in ("setuptools*", "_distutils_hack", "packaging*", "wheel*", "filelock*"):
        for found in purelib.glob(pattern):
            shutil.copytree(found, there / found.name, ignore=ignored)
    shutil.copytree(Path(compiled.__file__).parent, there / OURS, ignore=ignored)
    return path / "bin" / "python"
