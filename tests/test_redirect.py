"""The only module that knows setuptools' insides."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest
import setuptools

import isolated_backend
from calls import call_on
from isolated_backend import redirect
from isolated_backend.errors import BackendError
from isolated_backend.publish import SUFFIX
from isolated_backend.redirect import installed

PACKAGE = Path(isolated_backend.__file__).parent


def test_it_alone_imports_setuptools_and_distutils() -> None:
    importers = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                modules = [node.module or ""]
            if any(module.split(".")[0] in {"setuptools", "distutils"} for module in modules):
                importers.add(path.parent.name)
    assert importers == {"redirect"}


def test_a_missing_method_is_a_clear_error_and_nothing_is_redirected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from setuptools.command.egg_info import FileList, egg_info

    before = egg_info.finalize_options
    monkeypatch.delattr(FileList, "_safe_path")
    with (
        pytest.raises(
            BackendError, match=r"has no setuptools.command.egg_info.FileList._safe_path"
        ),
        redirect.redirected(call_on(tmp_path)),
    ):
        pass
    assert egg_info.finalize_options is before


def test_a_setuptools_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setuptools, "__version__", "63.4.3")
    wanted = f"setuptools 63.4.3 is too old; .*setuptools>={installed.OLDEST}"
    with pytest.raises(BackendError, match=wanted):
        installed.load("setuptools.build_meta")


def test_a_missing_setuptools_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "setuptools", None)
    with pytest.raises(BackendError, match="setuptools is not installed"):
        installed.load("setuptools.build_meta")


def test_the_legacy_backend_is_setuptools_own() -> None:
    import setuptools.build_meta

    assert installed.load("setuptools.build_meta:__legacy__") is setuptools.build_meta.__legacy__


def test_what_a_plugin_kept_of_a_redirection_is_harmless_later(tmp_path: Path) -> None:
    """A plugin that wraps a method when it is imported, in a process with many hooks."""
    from setuptools.command.egg_info import FileList

    original = FileList.append
    first = call_on(tmp_path)
    with redirect.redirected(first):
        kept = FileList.append

        def wrapped(self: FileList, item: str) -> None:
            kept(self, item)

        FileList.append = wrapped
    try:
        assert FileList.append is wrapped  # the plugin's work is not undone
        files = FileList()
        files.append(first.shadow.place)  # a path that an open shadow would map
        assert files.files == [first.shadow.place]
    finally:
        FileList.append = original


def test_an_artifact_that_is_being_published_is_on_no_file_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``graft .`` and an output directory in the root."""
    from setuptools.command.egg_info import FileList

    call = call_on(tmp_path / "root")
    monkeypatch.chdir(call.root)
    Path("dist").mkdir()
    for name in ("demo-1.tar.gz", f".demo-2.tar.gz.0123{SUFFIX}", f"demo.so.0123{SUFFIX}"):
        Path("dist", name).touch()
    with redirect.redirected(call):
        files = FileList()
        files.graft(".")
    assert files.files == [os.path.join("dist", "demo-1.tar.gz")]


def test_a_toml_parser_is_found_where_python_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed.vendored_tomli().loads("a = 1") == {"a": 1}
    for name in ("tomli", "setuptools._vendor.tomli", "setuptools.extern.tomli"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BackendError, match="No TOML parser"):
        installed.vendored_tomli()


def test_a_toml_parser_of_its_own_needs_no_setuptools(monkeypatch: pytest.MonkeyPatch) -> None:
    tomli = ModuleType("tomli")
    monkeypatch.setitem(sys.modules, "tomli", tomli)
    monkeypatch.setitem(sys.modules, "setuptools", None)
    assert installed.vendored_tomli() is tomli


def test_without_setuptools_and_a_toml_parser_setuptools_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tomli", None)
    monkeypatch.setitem(sys.modules, "setuptools", None)
    with pytest.raises(BackendError, match="setuptools is not installed"):
        installed.vendored_tomli()


def test_every_replacement_says_why() -> None:
    names = [each.name for each in pkgutil.iter_modules(redirect.__path__)]
    modules = [importlib.import_module(f"{redirect.__name__}.{name}") for name in names]
    found = [each for module in modules for each in getattr(module, "replaces", ())]
    assert len(found) > 20
    assert all(replacement.function.__doc__ for replacement in found)


def test_without_setuptools_the_import_of_the_backend_works() -> None:
    script = """
        import sys
        sys.modules["setuptools"] = None
        import isolated_backend
        try:
            isolated_backend.build_sdist("/nowhere")
        except SystemExit as error:
            assert "setuptools is not installed" in str(error), error
        else:
            raise AssertionError
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)
