"""Compiled files that outlive an environment."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import sysconfig
import traceback
from collections.abc import Callable, Mapping
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from artifacts import particulars
from backends import OURS, HookProcess
from isolated_backend.shortcuts import compiled

SOURCE = "def where():\n    raise LookupError\n"


@pytest.fixture
def cache() -> Path:
    """Return the directory for compiled files in the user's cache."""
    return Path(compiled.directory())


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in an environment of its own, where nothing is compiled."""
    path = tmp_path / "environment"
    path.mkdir()
    monkeypatch.setattr(sys, "prefix", str(path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(compiled, "_IMPORTED_LATER", str(path / "later.py"))
    return path


def loaded(path: Path, source: str = SOURCE) -> ModuleType:
    """Import the module at *path*, with sharing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    os.utime(path, (1_000_000_000,) * 2)
    return executed(SourceFileLoader(path.stem, str(path)))


def executed(loader: SourceFileLoader, root: str = "/nowhere") -> ModuleType:
    """Import the module that *loader* loads, with sharing, while *root* is built."""
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    with compiled.shared(root):
        loader.exec_module(module)
    return module


def cached(path: Path) -> Path:
    """Return where Python itself puts the compiled file of the module at *path*."""
    return path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"


def test_the_next_environment_finds_what_the_first_has_compiled(
    environment: Path, cache: Path
) -> None:
    """With the path of its own source in the traceback, and nothing written there."""
    first, second = environment / "first" / "module.py", environment / "second" / "other.py"
    loaded(first)
    assert cached(first).exists()  # as ever
    (kept,) = cache.iterdir()
    assert kept.stat().st_nlink == 1

    module = loaded(second)
    assert not cached(second).exists()  # so nothing was compiled
    with pytest.raises(LookupError) as raised:
        module.where()
    assert traceback.extract_tb(raised.tb)[-1].filename == str(second)


def test_another_source_of_the_same_size_and_time_is_another(
    environment: Path, cache: Path
) -> None:
    one = loaded(environment / "first" / "module.py", "value = 1\n")
    two = loaded(environment / "second" / "module.py", "value = 2\n")
    assert (one.value, two.value) == (1, 2)
    assert len(list(cache.iterdir())) == 2


def test_a_module_with_a_compiled_file_takes_no_part(environment: Path, cache: Path) -> None:
    path = environment / "module.py"
    loaded(path)
    shutil.rmtree(cache)
    loaded(path)
    assert not cache.exists() or list(cache.iterdir()) == []


def test_an_environment_with_compiled_files_takes_no_part(environment: Path, cache: Path) -> None:
    """It is not even asked for each module."""
    compiled_file = cached(environment / "later.py")
    compiled_file.parent.mkdir()
    compiled_file.touch()
    with compiled.shared("/nowhere"):
        assert "get_code" not in vars(SourceFileLoader)
    loaded(environment / "module.py")
    assert not cache.exists() or list(cache.iterdir()) == []


def test_what_is_not_in_the_environment_takes_no_part(
    environment: Path, cache: Path, tmp_path: Path
) -> None:
    """The project, the standard library."""
    path = tmp_path / "project" / "module.py"
    loaded(path)
    assert cached(path).exists()
    assert not cache.exists() or list(cache.iterdir()) == []


def test_who_wants_no_compiled_files_gets_none(
    environment: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loaded(environment / "module.py")
    assert not cache.exists() or list(cache.iterdir()) == []


def test_a_prefix_of_the_user_is_enough(
    environment: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(environment / "prefix"))
    loaded(environment / "module.py")
    assert list((environment / "prefix").rglob("*.pyc"))
    assert not cache.exists() or list(cache.iterdir()) == []


def test_optimized_files_are_others(environment: Path, cache: Path) -> None:
    """Asserts are left out of one."""
    (environment / "module.py").write_text("assert False, 'heard'\n")
    code = (
        "import sys\nsys.prefix = sys.argv[1]\nsys.path.insert(0, sys.prefix)\n"
        "from isolated_backend.shortcuts import compiled\ncompiled._IMPORTED_LATER = 'later.py'\n"
        "with compiled.shared('/nowhere'):\n    import module\n"
    )
    for options, status in (["-O"], 0), ([], 1), (["-O"], 0), ([], 1):
        shutil.rmtree(environment / "__pycache__", ignore_errors=True)
        command = [sys.executable, *options, "-c", code, str(environment)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        assert ("heard" in done.stderr) == bool(status)
    kinds = {file.name.partition(".")[2] for file in cache.iterdir()}
    tag = sys.implementation.cache_tag
    assert kinds == {f"{tag}.pyc", f"{tag}.opt-1.pyc"}


@pytest.mark.parametrize(
    "spoil", [lambda right: right[:-1], lambda _: b"", lambda right: right[:4] + bytes(len(right))]
)
def test_a_file_that_is_not_whole_is_replaced(
    spoil: Callable[[bytes], bytes], environment: Path, cache: Path
) -> None:
    """As a machine leaves it that loses its power."""
    loaded(environment / "first" / "module.py")
    (kept,) = cache.iterdir()
    right = kept.read_bytes()
    kept.write_bytes(spoil(right))
    assert loaded(environment / "second" / "module.py").where
    assert kept.read_bytes()[4:20] == right[4:20]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_where_it_cannot_be_written_nothing_is_shared(
    number: int, environment: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(f"{os.name}.replace", replace)  # which the import system calls
    assert loaded(environment / "module.py").where
    assert list(cache.iterdir()) == []


def test_a_directory_that_others_can_touch_is_not_used(environment: Path, cache: Path) -> None:
    cache.parent.mkdir(mode=0o755, parents=True)
    loaded(environment / "module.py")
    assert not cache.exists() or list(cache.iterdir()) == []


def test_a_cache_directory_of_another_user_is_not_used(
    environment: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who calls sudo has the home of somebody else."""
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    loaded(environment / "module.py")
    assert not cache.parent.exists()


def test_no_home_is_made_where_there_is_none(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on build farms."""
    home = tmp_path / "nowhere"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    assert compiled.directory().startswith(os.path.realpath(home))
    loaded(environment / "module.py")
    assert not home.exists()


def test_a_cache_in_the_root_is_not_used(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As services for continuous integration have it: it would be a write into the tree."""
    path = environment / "module.py"
    path.write_text(SOURCE)
    for base in (tmp_path / "cache", tmp_path):
        monkeypatch.setenv("XDG_CACHE_HOME", str(base))
        executed(SourceFileLoader("module", str(path)), root=str(tmp_path))
        assert not base.joinpath("isolated-backend").exists()


@pytest.mark.parametrize("variable", ["PIP_NO_CACHE_DIR", "UV_NO_CACHE"])
def test_who_wants_no_cache_gets_none(
    variable: str, environment: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    loaded(environment / "module.py")
    assert not cache.parent.exists()


def test_a_module_without_source_is_missing_as_ever(environment: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.py"):
        executed(SourceFileLoader("gone", str(environment / "gone.py")))


@pytest.mark.parametrize("name", ["plug.helper.py", ".hidden", "script"])
def test_odd_names_are_found_too(name: str, environment: Path) -> None:
    for number in range(2):
        path = environment / str(number) / name
        path.parent.mkdir()
        path.write_text("value = 1\n")
        assert executed(SourceFileLoader("odd", str(path))).value == 1
        assert (path.parent / "__pycache__").exists() == (number == 0)


def test_what_a_loader_of_another_kind_compiles_is_its_own(environment: Path, cache: Path) -> None:
    """It may transform the source."""

    class Loader(SourceFileLoader):
        def source_to_code(  # type: ignore[override] # the types of its two bases contradict
            self, data: bytes, path: str, *_: object
        ) -> CodeType:
            return compile(data.replace(b"plain", b"other"), path, "exec")

    values = []
    for number, kind in enumerate((Loader, SourceFileLoader, Loader)):
        path = environment / str(number) / "module.py"
        path.parent.mkdir()
        path.write_text("value = 'plain'\n")
        values.append(executed(kind("module", str(path))).value)
    assert values == ["other", "plain", "other"]
    assert len(list(cache.iterdir())) == 1


def test_where_all_that_is_compiled_is_transformed_nothing_is_shared(
    environment: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a checker of types that changes what Python compiles."""

    def source_to_code(self: SourceFileLoader, data: bytes, path: str, *_: object) -> CodeType:
        return compile(data, path, "exec")

    monkeypatch.setattr(SourceFileLoader, "source_to_code", source_to_code, raising=False)
    loaded(environment / "module.py")
    assert not cache.exists() or list(cache.iterdir()) == []


def test_a_source_that_changes_while_it_is_compiled_is_of_one_moment(
    environment: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept for a source is compiled from just that."""
    first = environment / "first" / "module.py"
    original = SourceFileLoader.path_stats

    def path_stats(self: SourceFileLoader, path: str) -> Mapping[str, object]:
        if path == str(first):
            first.write_text("value = 'new'\n")
        return original(self, path)

    monkeypatch.setattr(SourceFileLoader, "path_stats", path_stats)
    assert loaded(first, "value = 'old'\n").value == "old"
    assert loaded(environment / "second" / "module.py", "value = 'old'\n").value == "old"


def test_a_project_in_the_environment_takes_no_part(environment: Path, cache: Path) -> None:
    """As pip's checkouts of editable requirements, in ``VENV/src``."""
    path = environment / "src" / "project" / "module.py"
    path.parent.mkdir(parents=True)
    path.write_text(SOURCE)
    executed(SourceFileLoader("module", str(path)), root=str(path.parent))
    assert not cache.exists() or list(cache.iterdir()) == []


def test_there_is_an_end_to_their_number(
    environment: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so to what killed builds have left half-written."""
    monkeypatch.setattr(compiled, "_MOST", 2)
    for number in range(4):
        loaded(environment / "module.py", f"value = {number}\n")
        cached(environment / "module.py").unlink()
    assert len(list(cache.iterdir())) <= 3


def test_everything_is_given_back(environment: Path) -> None:
    def here() -> object:
        return vars(SourceFileLoader).get("get_code")

    assert here() is None
    with compiled.shared("/nowhere"):
        outer = here()
        with compiled.shared("/nowhere"):  # a hook that calls another
            assert here() != outer
        assert here() == outer
    assert here() is None


def test_what_somebody_else_puts_there_stays(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SourceFileLoader, "get_code", SourceFileLoader.get_code, raising=False)
    with compiled.shared("/nowhere"):
        SourceFileLoader.get_code = theirs = lambda *_: None  # type: ignore[method-assign]
    assert SourceFileLoader.get_code is theirs


@pytest.mark.skipif(
    sys.version_info < (3, 11),
    reason="to read the settings, Python 3.10 imports setuptools, which has a TOML parser",
)
@pytest.mark.parametrize("writes", ["auto", "private"])
def test_a_build_in_a_new_environment_compiles_nothing(
    writes: str, sample: Callable[[str], Path], tmp_path: Path, cache: Path
) -> None:
    """As uv makes one for each isolated build: without compiled files, and for that build alone.

    Also where setuptools runs in another process than the one that the frontend has started.
    """
    wheels = []
    for number in range(2):
        root, out = sample("src_layout"), tmp_path / f"out{number}"
        out.mkdir()
        with (root / "pyproject.toml").open("a") as file:
            file.write(f'[tool.isolated-backend]\nin-tree-writes = "{writes}"\n')
        python = uncompiled(tmp_path / f"environment{number}")
        build = HookProcess(OURS, root, python=python)
        (outcome,) = build(("build_wheel", {"wheel_directory": str(out)}))
        assert outcome.error == "", build.output
        wheels.append(dict(particulars(out / outcome.result, 0)))
        shutil.rmtree(root)
        compiled_files = sorted(
            str(path) for path in python.parents[1].rglob("setuptools/**/*.pyc")
        )
        assert bool(compiled_files) == (number == 0), compiled_files[:9]
    assert wheels[0].keys() == wheels[1].keys()
    assert len(list(cache.iterdir())) > 50


def uncompiled(path: Path) -> Path:
    """Make an environment with what a build needs, none of it compiled; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", path], check=True)
    purelib = Path(sysconfig.get_path("purelib"))
    there = Path(sysconfig.get_path("purelib", vars={"base": str(path)}))
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("setuptools", "_distutils_hack", "packaging", "wheel", "filelock"):
        for found in (purelib / name, *purelib.glob(f"{name}-*.dist-info")):  # not setuptools_scm
            shutil.copytree(found, there / found.name, ignore=ignored)
    shutil.copytree(Path(compiled.__file__).parents[1], there / OURS, ignore=ignored)
    return path / "bin" / "python"
