"""Editing pyproject.toml: what was asked for changes, and not a byte else."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from isolated_backend.cli.errors import CommandError
from isolated_backend.cli.pyproject import Pyproject

LEGACY = "isolated_backend:__legacy__"


def _pyproject(text: str) -> Pyproject:
    return Pyproject(Path("/demo/pyproject.toml"), text.encode())


def _adopting(text: str, backend_path: str | None = None) -> str:
    return _pyproject(text).adopting(LEGACY, ["isolated-backend"], backend_path).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            """\
            # licence

            [build-system]
            requires = ["setuptools>=61", "wheel"]  # pinned
            build-backend = "setuptools.build_meta"  # by us

            [project]
            """,
            """\
            # licence

            [build-system]
            requires = ["setuptools>=61", "wheel", "isolated-backend"]  # pinned
            build-backend = "isolated_backend:__legacy__"  # by us

            [project]
            """,
        ),
        (
            """\
            [build-system]
            requires = [
                "setuptools>=61",  # why
                "wheel",
            ]
            build-backend = "setuptools.build_meta"
            """,
            """\
            [build-system]
            requires = [
                "setuptools>=61",  # why
                "wheel",
                "isolated-backend",
            ]
            build-backend = "isolated_backend:__legacy__"
            """,
        ),
        (
            """\
            [build-system]
              requires = ['setuptools']  # one

            # about the project
            [project]
            """,
            """\
            [build-system]
              requires = ['setuptools', 'isolated-backend']  # one
              build-backend = 'isolated_backend:__legacy__'

            # about the project
            [project]
            """,
        ),
        (
            """\
            build-system.requires = ["setuptools"]
            project.name = "x"
            """,
            """\
            build-system.requires = ["setuptools", "isolated-backend"]
            build-system.build-backend = "isolated_backend:__legacy__"
            project.name = "x"
            """,
        ),
        (
            """\
            build-system = {requires = [], build-backend = "setuptools.build_meta"}
            """,
            """\
            build-system = {requires = ["isolated-backend"], """
            """build-backend = "isolated_backend:__legacy__"}
            """,
        ),
        (
            """\
            project.name = "x"
            """,
            """\
            project.name = "x"

            [build-system]
            requires = ["isolated-backend"]
            build-backend = "isolated_backend:__legacy__"
            """,
        ),
        (
            "",
            """\
            [build-system]
            requires = ["isolated-backend"]
            build-backend = "isolated_backend:__legacy__"
            """,
        ),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("final", [True, False])
def test_everything_else_stays(before: str, after: str, ending: str, final: bool) -> None:
    """Comments, order, quotes, indentation; line endings, and the missing one at the end."""
    before, after = (dedent(text).replace("\n", ending) for text in (before, after))
    if before and not final:
        before, after = (text.removesuffix(ending) for text in (before, after))
    if ending not in before:
        after = after.replace(ending, "\n")  # nothing tells which one it would have
    assert _adopting(before) == after


def test_mixed_line_endings_stay_mixed() -> None:
    before = '[build-system]\r\nrequires = []\nbuild-backend = "setuptools.build_meta"\r\n'
    after = _adopting(before)
    assert after == before.replace("[]", '["isolated-backend"]').replace(
        "setuptools.build_meta", LEGACY
    )


@pytest.mark.parametrize("named", ["", 'build-backend = "setuptools.build_meta"\n'])
def test_backend_path_comes_after_the_backend(named: str) -> None:
    after = _adopting(f"[build-system]\nrequires = []\n{named}\n# next\n", "_backend")
    assert after == (
        '[build-system]\nrequires = ["isolated-backend"]\n'
        f'build-backend = "{LEGACY}"\nbackend-path = ["_backend"]\n\n# next\n'
    )


def test_what_tomlkit_would_change_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    dumps = tomlkit.dumps
    monkeypatch.setattr(tomlkit, "dumps", lambda document: dumps(document) + "[new]\n")
    with pytest.raises(CommandError, match=r"cannot be edited without changing more than its"):
        _adopting("[build-system]\nrequires = []\n")


def test_a_number_that_is_none_is_no_change() -> None:
    assert "[x]\ny = nan\n" in _adopting("[build-system]\nrequires = []\n[x]\ny = nan\n")


_KEYS = st.text("abc-_", min_size=1, max_size=6)
_VALUES = st.one_of(st.integers(), st.booleans(), st.text("xy\"'#[]\n\\é"), st.lists(st.integers()))
_TABLES = st.dictionaries(_KEYS, st.one_of(_VALUES, st.dictionaries(_KEYS, _VALUES)))


@settings(deadline=None)  # the machine may be busy
@given(tool=_TABLES, before=st.booleans(), requires=st.lists(st.text("abc>=1.", min_size=1)))
def test_any_other_content_stays(
    tool: dict[str, object], before: bool, requires: list[str]
) -> None:
    """It is found again, in the very text that it had."""
    own = tomlkit.dumps({"tool": tool})
    table = tomlkit.dumps({"build-system": {"requires": requires}})
    after = _adopting(own + table if before else table + own)
    assert own.strip() in after
    assert tomlkit.parse(after).unwrap() == {
        "tool": tool,
        "build-system": {"requires": [*requires, "isolated-backend"], "build-backend": LEGACY},
    }
