"""What a user sees of a check."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from isolated_backend.cli import report
from isolated_backend.cli.artifact import Contents, Member
from isolated_backend.cli.finding import Half, Report, Result
from isolated_backend.cli.snapshot import Changes
from isolated_backend.cli.writes import Writes

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
    writes: Writes | None = None,
) -> Half:
    results = (
        *(Result("wheel", "uv", error, None) for error in errors),
        *(Result("sdist", "build", None, contents) for contents in sdists),
        *(Result("wheel", "build", None, contents) for contents in wheels),
    )
    return Half(backend, results, ALONE, Changes(changed), writes or Writes(), 1.25)


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


def _report(own: Half, isolated: Half, **more: Any) -> Report:
    return Report("demo", ("build", "uv"), own, isolated, **more)


def _shown(own: Half, isolated: Half, width: int = 80, terminal: bool = True, **more: Any) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, force_terminal=terminal, color_system=None, highlight=False
    )
    report.show(_report(own, isolated, **more), console)
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
        "through build": ("2", "2"),
        "through uv": ("5", "0"),
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
        "  2x through uv: error: could not create 'build/lib/1': File exists [bold]",
        "  1x through uv: OSError: a",
        "  1x through uv: ValueError: b",
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
    assert "The setting that fits" not in text
    assert "own code" not in text


def test_kind_that_was_not_built_is_not_in_the_table() -> None:
    results = (Result("wheel", "pip", None, RIGHT),)
    half = Half("isolated_backend", results, {"wheel": RIGHT}, Changes(), Writes(), 1.25)
    stream = io.StringIO()
    whole = Report("demo", ("pip",), half, half)
    report.show(whole, Console(file=stream, width=80, color_system=None))
    assert "distinct sdists" not in _rows(stream.getvalue())
    assert _rows(stream.getvalue())["distinct wheels"] == ("1", "1")
    assert report.verdict(whole).endswith(
        "with isolated_backend the build came out right and the root is untouched. "
        "There were no sdists: pip builds none."
    )


OWN = Writes(seen=frozenset({"v.py"}), unseen=frozenset({"gen/", "gen/a.c"}))


def test_own_writes_are_told_apart() -> None:
    own = _half("setuptools.build_meta", changed=("build/", "gen/", "gen/a.c"), writes=OWN)
    isolated = _half(changed=("gen/", "gen/a.c", "v.py"), writes=OWN)
    text = _shown(own, isolated, terminal=False)
    assert _rows(text)["paths changed in the root"] == ("3", "3")
    assert _rows(text)["by the project's own code"] == ("2", "3")
    lines = text.splitlines()
    assert lines[lines.index("Paths in the root that setuptools.build_meta changed:") + 1] == (
        "  build/"
    )
    assert "Paths in the root that isolated_backend changed:" not in lines
    seen = lines.index("What the project's own code writes into its tree while it is built:")
    unseen = lines.index(
        "What a program or an extension module writes into the tree, unseen by hooks:"
    )
    assert (lines[seen + 1], lines[unseen + 1]) == ("  v.py", "  gen/")
    assert isolated.perfect


def test_many_own_writes_are_cut_short() -> None:
    writes = Writes(frozenset(f"{number:02}.c" for number in range(25)))
    text = _shown(_half(), _half(writes=writes), terminal=False)
    assert "  00.c, 01.c, " in text
    assert ", 19.c and 5 more\n" in text


@pytest.mark.parametrize(
    ("writes", "setting", "advice"),
    [
        (Writes(seen=OWN.seen), "auto", '"auto"`: a build has the tree to itself from its first '),
        (Writes(seen=OWN.seen), "auto", "its first write or program on. It is the default."),
        (Writes(seen=OWN.seen), "lock", 'Set that in [tool.isolated-backend]; now it is "lock".'),
        (OWN, "auto", '"lock"`: builds take turns from the start, as nothing tells when'),
        (OWN, "auto", 'Set that in [tool.isolated-backend]; now it is "auto".'),
        (OWN, "allow", 'Set that in [tool.isolated-backend]; now it is "allow".'),
        (OWN, "lock", "It is set already."),
        (OWN, "lock", 'With "private", builds need not wait, and leave the tree as it is.'),
        (OWN, "private", '"private"`: each build writes to a tree of its own, or takes turns'),
        (OWN, "private", "It is set already."),
    ],
)
def test_setting_that_fits(writes: Writes, setting: str, advice: str) -> None:
    text = _shown(_half(), _half(writes=writes), terminal=False, setting=setting)
    assert advice in text
    assert text.count("The setting that fits is `in-tree-writes = ") == 1


def test_whether_there_are_private_trees_is_said() -> None:
    text = _shown(_half(), _half(writes=OWN), terminal=False)
    assert 'Private trees (`in-tree-writes = "private"`) work on this machine.' in text
    text = _shown(_half(), _half(writes=OWN), terminal=False, obstacle="a reason")
    assert "do not work on this machine, for a reason." in text
    assert "builds need not wait" not in text


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
        (
            _half(changed=("v.py",), writes=Writes(frozenset({"v.py", "w.py"}))),
            "all 2 builds came out right and nothing in the root changed but what the project "
            "itself writes",
        ),
        (
            _half(changed=("v.py", "x"), writes=Writes(frozenset({"v.py"}))),
            "all 2 builds came out right and 1 path in the root changed",
        ),
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
    assert report.verdict(_report(own, half)) == (
        "demo: with setuptools.build_meta all 2 builds came out right and the root is untouched; "
        f"with {half.backend} {outcome}."
    )
    assert report.verdict(_report(half, own)).startswith(
        f"demo: with {half.backend} {outcome}; with setuptools.build_meta"
    )


def test_verdict_names_the_projects_part() -> None:
    own = _half("setuptools.build_meta")
    assert report.verdict(_report(own, own, unstable=("sdist", "wheel"))).endswith(
        " Its sdists and wheels cannot be compared: setuptools.build_meta makes a different one "
        "every time, even alone."
    )
    assert report.verdict(_report(own, own, deviating={"wheel": ("uv", "tox")})).endswith(
        " Through uv and tox, setuptools.build_meta makes another wheel than through the other "
        "frontends, even alone."
    )
