"""What a project's own code writes into its tree, and what the backend sees of it."""

from __future__ import annotations

import pytest

from isolated_backend.cli import writes
from isolated_backend.cli.snapshot import Changes
from isolated_backend.cli.writes import Writes


def test_nothing_is_written() -> None:
    found = writes.of(Changes(), [])
    assert found == Writes()
    assert not found.paths
    assert found.fitting == "auto"


def test_what_has_changed_and_was_seen() -> None:
    changes = Changes(("gen/", "gen/a.c"), ("v.py",), ("old",), ("same.py",))
    found = writes.of(changes, {"gen", "gen/a.c", "v.py", "old", "same.py"})
    assert found.seen == found.paths == {"gen/", "gen/a.c", "v.py", "old", "same.py"}
    assert found.fitting == "auto"


def test_what_was_seen_and_is_no_more() -> None:
    assert writes.of(Changes(), {"conftest.c"}) == Writes(frozenset({"conftest.c"}))


@pytest.mark.parametrize(
    "changes",
    [
        Changes(created=("a.c",)),
        Changes(changed=("a.c",)),
        Changes(deleted=("a.c",)),
        Changes(rewritten=("a.c",)),
    ],
)
def test_what_has_changed_and_was_not_seen(changes: Changes) -> None:
    found = writes.of(changes, {"b.c"})
    assert found == Writes(frozenset({"b.c"}), frozenset({"a.c"}))
    assert found.fitting == "lock"


def test_a_program_that_may_write_makes_a_build_the_writer() -> None:
    found = writes.of(Changes(created=("a_wrap.c",)), {"//program swig -python a.i"})
    assert found.programs == {"swig -python a.i"}
    assert found.unseen == {"a_wrap.c"}
    assert found.fitting == "auto"


def test_what_an_extension_module_writes_is_seen_too_late() -> None:
    found = writes.of(Changes(created=("a.py",)), {"//unseen protoc.so", "//program swig a.i"})
    assert found.modules == {"protoc.so"}
    assert found.fitting == "lock"


def test_a_directory_that_was_seen_says_nothing_of_what_is_in_it() -> None:
    found = writes.of(Changes(("gen/", "gen/a.c")), {"gen"})
    assert found == Writes(frozenset({"gen/"}), frozenset({"gen/a.c"}))


@pytest.mark.parametrize(
    "path",
    [
        *("build/", "build/lib/a.py", "dist/a.whl", "demo-1.0/", "demo-1.0/setup.py"),
        *("demo.egg-info/", "src/demo.egg-info/PKG-INFO", "src/demo-1.0.dist-info/METADATA"),
        *("src/demo/__pycache__/", "src/demo/a.pyc", ".eggs/README.txt", "dir/.tmp-x1/"),
    ],
)
def test_what_setuptools_makes_is_never_the_projects(path: str) -> None:
    assert writes.of(Changes((path,)), set(), {"demo-1.0"}) == Writes()
    assert writes.of(Changes((path,)), {path.rstrip("/")}, {"demo-1.0"}) == Writes()


@pytest.mark.parametrize("path", ["src/build/a.c", "demo-1.0/", "builder.py", "x.tmp-"])
def test_similar_names_are_the_projects(path: str) -> None:
    assert writes.of(Changes((path,)), set()).unseen == {path}


def test_writes_of_several_builds() -> None:
    one = Writes(frozenset({"a", "b"}), frozenset({"c"}))
    other = Writes(frozenset({"c", "d"}), frozenset({"b"}))
    assert one | other == Writes(frozenset({"a", "d"}), frozenset({"b", "c"}))
