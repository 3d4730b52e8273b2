"""Promise 2: no __pycache__ in the root."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from isolated_backend import bytecode


@pytest.fixture(autouse=True)
def _bytecode_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def load(path: Path) -> None:
    """Import the module at *path* from its source, as an import statement would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x = 1\n")
    importlib.machinery.SourceFileLoader("loaded", str(path)).get_code("loaded")


def test_modules_in_the_root_are_not_cached_and_others_are(tmp_path: Path) -> None:
    with bytecode.kept_out_of(str(tmp_path / "root")):
        load(tmp_path / "root" / "pkg" / "module.py")
        load(tmp_path / "root" / ".venv" / "lib" / "site-packages" / "installed.py")
        load(tmp_path / "root-2" / "module.py")
    cached = sorted(str(path.relative_to(tmp_path).parent) for path in tmp_path.rglob("*.pyc"))
    assert cached == ["root-2/__pycache__", "root/.venv/lib/site-packages/__pycache__"]
    load(tmp_path / "root" / "later.py")
    assert (tmp_path / "root" / "__pycache__").exists()


@pytest.mark.parametrize(
    ("prefix", "path", "expected"),
    [
        ("/elsewhere", "/root/pkg/module.py", True),
        ("/root/.venv", "/root/.venv/lib/module.py", False),
        ("/root/.venv", "/root/pkg/module.py", True),
        ("/root", "/root/pkg/module.py", True),  # python -m venv .
        ("/root", "/root/lib/python3/site-packages/module.py", False),
        ("/", "/root/pkg/module.py", True),  # VENV/src/NAME, where pip checks out
        ("/elsewhere", "/root-2/module.py", False),
    ],
)
def test_an_environment_in_the_root_is_not_the_projects(
    prefix: str, path: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", prefix.rstrip("/"))
    assert bytecode.is_the_projects(path, "/root") is expected


def test_children_write_none_either_and_the_environment_is_given_back(tmp_path: Path) -> None:
    (tmp_path / "child.py").touch()
    with bytecode.kept_out_of(str(tmp_path)):
        subprocess.run([sys.executable, "-c", "import child"], cwd=tmp_path, check=True)
    assert not (tmp_path / "__pycache__").exists()
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ


def test_an_inherited_setting_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "x")
    with bytecode.kept_out_of(str(tmp_path)):
        assert os.environ["PYTHONDONTWRITEBYTECODE"] == "x"
    assert os.environ["PYTHONDONTWRITEBYTECODE"] == "x"


def test_an_empty_setting_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "")
    with bytecode.kept_out_of(str(tmp_path)):
        assert os.environ["PYTHONDONTWRITEBYTECODE"]
    assert os.environ["PYTHONDONTWRITEBYTECODE"] == ""


def test_contexts_that_are_nested_leave_nothing_replaced(tmp_path: Path) -> None:
    """As in a hook that runs in another process than the frontend's."""
    loader = importlib.machinery.SourceFileLoader
    before = loader.set_data
    with bytecode.kept_out_of(str(tmp_path / "a")):
        with bytecode.kept_out_of(str(tmp_path / "b")):
            load(tmp_path / "a" / "module.py")
            load(tmp_path / "b" / "module.py")
        load(tmp_path / "a" / "module.py")
    assert list(tmp_path.rglob("*.pyc")) == []
    assert loader.set_data is before
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ


def test_what_another_put_in_place_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = importlib.machinery.SourceFileLoader
    monkeypatch.setattr(loader, "set_data", loader.set_data)
    with bytecode.kept_out_of(str(tmp_path)):
        theirs = lambda *args, **kwargs: None  # noqa: E731
        loader.set_data = theirs  # type: ignore[method-assign]
    assert loader.set_data is theirs


SCRIPT = """
    import os, sys
    sys.path.insert(0, os.path.join(os.getcwd(), "_build"))
    import isolated_backend
    assert isolated_backend.__file__.startswith(os.getcwd()), isolated_backend.__file__
    isolated_backend._load(os.getcwd())
"""


@pytest.fixture
def in_tree(tmp_path: Path) -> Path:
    """Return a root that has the backend in it."""
    package = tmp_path / "root" / "_build" / "isolated_backend"
    package.mkdir(parents=True)
    for source in Path(bytecode.__file__).parent.glob("*.py"):
        (package / source.name).write_bytes(source.read_bytes())
    return tmp_path / "root"


def use_in_tree(root: Path) -> None:
    subprocess.run([sys.executable, "-c", textwrap.dedent(SCRIPT)], cwd=root, check=True)


def test_the_backend_itself_leaves_none_when_it_is_used_in_tree(in_tree: Path) -> None:
    use_in_tree(in_tree)
    assert list(in_tree.rglob("*.pyc")) == []
    assert list(in_tree.rglob("__pycache__")) == []


def test_a_cache_that_was_there_before_stays(in_tree: Path) -> None:
    package = in_tree / "_build" / "isolated_backend"
    cached = Path(importlib.util.cache_from_source(str(package / "__init__.py")))
    other = cached.with_name("other.pyc")
    cached.parent.mkdir()
    other.touch()
    use_in_tree(in_tree)
    assert list(cached.parent.iterdir()) == [other]

    subprocess.run([sys.executable, "-m", "compileall", "-q", str(package)], check=True)
    for path in cached.parent.iterdir():
        os.utime(path, (1, 1))
    before = sorted(cached.parent.iterdir())
    use_in_tree(in_tree)
    assert sorted(cached.parent.iterdir()) == before


def test_nothing_is_forgotten_where_nothing_is_cached(in_tree: Path) -> None:
    package = in_tree / "_build" / "isolated_backend"
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(package)], check=True)
    before = sorted(package.rglob("*.pyc"))
    subprocess.run([sys.executable, "-B", "-c", textwrap.dedent(SCRIPT)], cwd=in_tree, check=True)
    assert sorted(package.rglob("*.pyc")) == before
