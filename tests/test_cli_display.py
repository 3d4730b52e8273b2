"""How a check looks while it goes on."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from isolated_backend.cli.display import Display
from isolated_backend.cli.frontend import Frontend, Kind

if TYPE_CHECKING:
    import pytest

    from isolated_backend.cli.load import Build

LINES = 10


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _order(*_: object) -> Build:
    raise NotImplementedError


def _orders(*kinds: Kind, names: tuple[str, ...] = ("build", "uv")) -> list[tuple[Frontend, Kind]]:
    return [
        (Frontend(names[number % len(names)], ("sdist", "wheel"), (), _order), kind)
        for number, kind in enumerate(kinds)
    ]


def _shown(
    live: bool,
    orders: list[tuple[Frontend, Kind]],
    ended: dict[int, str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[str, str]:
    """Return what both streams get of a half in which builds end as *ended* says."""
    for variable in ("NO_COLOR", "FORCE_COLOR", "TTY_INTERACTIVE", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", str(LINES))
    out, err = (_Terminal() if live else io.StringIO() for _ in range(2))
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    display = Display()
    display.say("a step of 1 [kind]")
    with display.half("isolated_backend", orders) as tell:
        for number, error in ended.items():
            tell(number, error)
    return out.getvalue(), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", err.getvalue())


def test_builds_are_shown_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = _orders("sdist", "wheel", "sdist", "wheel")
    ended = {0: None, 1: "error: [Errno 21] Is a directory: " + "x" * 80, 3: None}
    out, text = _shown(True, orders, ended, monkeypatch)
    assert out == ""
    assert "a step of 1 [kind]\n" in text
    lines = [line.rstrip() for line in text.splitlines()]
    (first, second) = (
        next(line for line in reversed(lines) if line.startswith(f"sdist {number} "))
        for number in (1, 2)
    )
    assert re.match(
        r"sdist 1  build +done +\d\.\d s +wheel 1  uv +failed +\d\.\d s  Is a dir", first
    )
    assert re.match(r"sdist 2  build +building +\d\.\d s +wheel 2  uv +done +\d\.\d s$", second)
    assert first.endswith("…")
    assert len(first) <= 100
    assert lines[-1] == "isolated_backend: 3 of 4 builds done, 1 failed"


def test_one_kind_alone_has_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = _shown(True, _orders("wheel", names=("pip",)), {0: "error: " + "y" * 60}, monkeypatch)
    assert "y" * 60 in text
    assert "sdist" not in text


def test_more_builds_than_lines_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: tuple[Kind, Kind] = ("sdist", "wheel")
    many = _orders(*kinds * 20)
    _, text = _shown(True, many, dict.fromkeys(range(40)), monkeypatch)
    assert "wheel 6 " in text
    assert "sdist 7 " not in text
    assert "and 14 more in each column" in text


def test_a_log_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    out, text = _shown(False, _orders("sdist", "wheel"), {0: None, 1: "error: no"}, monkeypatch)
    assert out == ""
    assert text == "a step of 1 [kind]\nisolated_backend: 2 of 2 builds done, 1 failed\n"
