"""What a user sees of a check."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from isolated_backend.cli import report
from isolated_backend.cli.artifact import Contents, Member
from isolated_backend.cli.check import Half, Report, Result
from isolated_backend.cli.snapshot import Changes

if TYPE_CHECKING:
    from isolated_backend.cli.frontend import Kind

RIGHT = Contents((Member("demo/a", "", "1"),))
WRONG = Contents((Member("demo/a", "", "2"),))
ALONE: dict[Kind, Contents] = {"sdist": RIGHT, "wheel": RIGHT}


def _half(
    backend: str = "isolated_backend",
    errors: tuple[str, ...] = (),
    sdists: tuple[Contents, ...] = (RIGHT,),
    wheels: tuple[Contents, ...] = (RIGHT,),
    changed: tuple[str, ...] = (),
    own_writes: frozenset[str] = frozenset(),
) -> Half:
    results = (
        *(Result("wheel", error, None) for error in errors),
        *(Result("sdist", None, contents) for contents in sdists),
        *(Result("wheel", None, contents) for contents in wheels),
    )
    return Half(backend, results, ALONE, Changes(changed, (), ()), own_writes, 1.25)


BROKEN = _half(
    "setuptools.build_meta:__legacy__",
    errors=(
        "error: could not create 'build/lib/1': File exists [bold]",
        "error: could not create 'build/lib/2': File exists [bold]",
        "OSError: a",
        "ValueError: b",
        "TypeError: c",
    ),
    wheels=(WRONG,),
    changed=("a", "b", "build/", "build/x", "c"),
)


def _shown(own: Half, isolated: Half, width: int = 80, terminal: bool = True) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, force_terminal=terminal, color_system=None, highlight=False
    )
    report.show(Report("demo", 1, own, isolated, ()), console)
    return stream.getvalue()


def _rows(text: str) -> dict[str, tuple[str, ...]]:
    """Return the cells of the table by the label of the row."""
    rows = (re.split(r"\s{2,}", line.strip()) for line in text.splitlines())
    return {cells[0]: tuple(cells[1:]) for cells in rows if len(cells) == 3}


@pytest.mark.parametrize("width", [80, 120])
def test_table_fits(width: int) -> None:
    text = _shown(BROKEN, _half("isolated_backend:__legacy__"), width)
    assert _rows(text) == {
        "builds at once": ("7", "2"),
        "failed": ("5", "0"),
        "distinct sdists": ("1", "1"),
        "distinct wheels": ("1", "1"),
        "same content as one build alone": ("1 of 2", "2 of 2"),
        "paths changed in the root": ("5", "0"),
        "wall time": ("1.2 s", "1.2 s"),
    }
    assert "setuptools.build_meta:" in text
    assert max(map(len, text.splitlines())) <= width


def test_nothing_made() -> None:
    text = _shown(_half(errors=("x",), sdists=(), wheels=()), _half())
    assert _rows(text)["distinct sdists"] == ("none made", "1")
    assert _rows(text)["same content as one build alone"] == ("0 of 0", "2 of 2")


def test_details_of_what_went_wrong() -> None:
    lines = _shown(BROKEN, _half(), terminal=False).splitlines()
    failures = lines.index("Failures with setuptools.build_meta:__legacy__:")
    assert lines[failures + 1 : failures + 5] == [
        "  2x error: could not create 'build/lib/1': File exists [bold]",
        "  1x OSError: a",
        "  1x ValueError: b",
        "  and 1 other kind",
    ]
    members = (
        "Members in which wheels of setuptools.build_meta:__legacy__ differ from one made alone:"
    )
    assert lines[lines.index(members) + 1] == "  demo/a"
    paths = "Paths in the root that setuptools.build_meta:__legacy__ changed:"
    assert lines[lines.index(paths) + 1] == "  a, b, build/ and 1 more"


def test_nothing_went_wrong_needs_no_details() -> None:
    text = _shown(_half("setuptools.build_meta"), _half())
    assert "Failures" not in text
    assert "Members" not in text
    assert "Paths" not in text


def test_long_lines_wrap_for_a_person_only() -> None:
    half = _half(errors=("error: " + "word " * 30,))
    assert max(map(len, _shown(half, _half()).splitlines())) <= 80
    log = _shown(half, _half(), terminal=False)
    assert "word " * 29 + "word" in log


@pytest.mark.parametrize(
    ("half", "outcome"),
    [
        (_half(), "all 2 builds came out right and the root is untouched"),
        (_half(changed=("x",)), "all 2 builds came out right and 1 path in the root changed"),
        (_half(errors=("x",)), "1 of 3 builds failed"),
        (_half(wheels=(WRONG,)), "1 of 2 artifacts is not what one alone is"),
        (_half(wheels=(WRONG, WRONG)), "2 of 3 artifacts are not what one alone is"),
        (
            BROKEN,
            "5 of 7 builds failed, 1 of 2 artifacts is not what one alone is "
            "and 5 paths in the root changed",
        ),
    ],
)
def test_verdict(half: Half, outcome: str) -> None:
    own = _half("setuptools.build_meta")
    assert report.verdict(Report("demo", 1, own, half, ())) == (
        "demo: with setuptools.build_meta all 2 builds came out right and the root is untouched; "
        f"with {half.backend} {outcome}."
    )
    assert report.verdict(Report("demo", 1, half, own, ())).startswith(
        f"demo: with {half.backend} {outcome}; with setuptools.build_meta"
    )


def test_verdict_names_the_projects_part() -> None:
    own = _half("setuptools.build_meta")
    written = _half(changed=("v.py",), own_writes=frozenset({"v.py", "w.py"}))
    reason = "The project's own build writes what changed, even when it is alone."
    assert report.verdict(Report("demo", 1, own, written, ())).endswith(f" changed. {reason}")
    more = _half(changed=("v.py", "x"), own_writes=frozenset({"v.py"}))
    assert reason not in report.verdict(Report("demo", 1, own, more, ()))
    assert report.verdict(Report("demo", 1, own, own, ("sdist", "wheel"))).endswith(
        " Its sdists and wheels cannot be compared: setuptools.build_meta makes a different one "
        "every time, even alone."
    )


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("live", [True, False])
def test_progress(live: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("NO_COLOR", "FORCE_COLOR", "TTY_INTERACTIVE", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    out, err = (_Terminal() if live else io.StringIO() for _ in range(2))
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    display = report.Display()
    display.say("a step of 1 [kind]")
    with display.half("isolated_backend", 2) as done:
        done(False)
        done(True)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", err.getvalue())
    assert "a step of 1 [kind]\n" in text
    assert ("isolated_backend: 2 of 2 builds done, 1 failed\n" in text) is not live
    assert ("2/2 1 failed" in text) is live
    assert out.getvalue() == ""
