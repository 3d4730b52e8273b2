"""How a check goes on, for whoever looks on: every build, side by side."""

from __future__ import annotations

import re
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from .frontend import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias

    from rich.console import ConsoleOptions, RenderResult

    from .frontend import Frontend, Kind

    Ended: TypeAlias = Callable[[int, str | None], None]

#: What an error begins with, and what does not tell it from others.
_NOISE = re.compile(r"^(?:error: |\w+(?:Error|Exception): )?(?:\[Errno \d+\] )?")

_A_SECOND = 8  # so many pictures

_MARGIN = 4  # lines of a terminal that are not for builds


class Display:
    """Shows on the standard error stream how a check goes on.

    Live if a person looks at both streams; in lines otherwise.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live = self._console.is_terminal and sys.stdout.isatty()

    def say(self, line: str) -> None:
        """Show one step."""
        self._console.print(Text(line), style="dim", soft_wrap=True)

    @contextmanager
    def half(self, backend: str, orders: Sequence[tuple[Frontend, Kind]]) -> Iterator[Ended]:
        """Show builds with *backend* while this is open.

        Args:
            backend: its name.
            orders: the frontend of each build, and what it is to make.

        Yields:
            What to tell of each that has ended: its number, and the error if it failed.
        """
        builds = [_Build(frontend.name, kind) for frontend, kind in orders]
        picture = _Picture(backend, builds)

        def ended(number: int, error: str | None) -> None:
            builds[number].end(error)

        if self._live:
            with Live(picture, console=self._console, refresh_per_second=_A_SECOND, transient=True):
                yield ended
        else:
            yield ended
        self.say(picture.summary)


@dataclass
class _Build:
    """A build that somebody looks at."""

    through: str
    kind: Kind
    error: str | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        self._started = time.monotonic()

    def end(self, error: str | None) -> None:
        self.error, self.seconds = error, time.monotonic() - self._started

    def line(self, number: int, name: int) -> Text:
        """Return what is shown of it, the *number*-th of its kind, with *name* for its width."""
        seconds = self.seconds
        if seconds is None:
            seconds, state, style = time.monotonic() - self._started, "building", "cyan"
        elif self.error is None:
            state, style = "done", "green"
        else:
            state, style = "failed", "red"
        text = Text(f"{self.kind} {number:<2} {self.through:<{name}} ", no_wrap=True)
        text.append(f"{state:<8}", style=style).append(f" {seconds:5.1f} s")
        if self.error:
            text.append(f"  {_NOISE.sub('', self.error)}", style="red")
        text.overflow = "ellipsis"
        return text


class _Picture:
    """All builds with one backend: the sdists on the left, the wheels on the right."""

    def __init__(self, backend: str, builds: Sequence[_Build]) -> None:
        self._backend = backend
        self._builds = builds

    @property
    def summary(self) -> str:
        """How far it is."""
        ended = [build for build in self._builds if build.seconds is not None]
        failed = sum(build.error is not None for build in ended)
        return f"{self._backend}: {len(ended)} of {len(self._builds)} builds done, {failed} failed"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = [
            [
                build.line(number, max(len(each.through) for each in self._builds))
                for number, build in enumerate(of_kind, 1)
            ]
            for kind in KINDS
            if (of_kind := [build for build in self._builds if build.kind == kind])
        ]
        grid = Table.grid(padding=(0, 2), expand=True)
        for _ in columns:
            grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        rows = list(zip_longest(*columns, fillvalue=Text()))
        shown = max(1, options.size.height - _MARGIN)
        for row in rows[:shown]:
            grid.add_row(*row)
        more = len(rows) - shown
        lines = [Text(f"  and {more} more in each column", style="dim")] if more > 0 else []
        yield Group(Text(self.summary), grid, *lines)
