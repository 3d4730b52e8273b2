"""What ``isolated-backend check --demo`` prints, as a terminal shows it: from a real run."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from isolated_backend.cli import check, demo, project, report
from isolated_backend.cli.display import Display
from isolated_backend.cli.finding import Report
from isolated_backend.cli.frontend import named

_COMMAND = "isolated-backend check --demo"

#: Foreground, background, and the colours that the report has: black, red, green.
_THEMES = {
    "light": ((246, 248, 250), (31, 35, 40), (31, 35, 40), (207, 34, 46), (26, 127, 55)),
    "dark": ((22, 27, 34), (230, 237, 243), (139, 148, 158), (255, 123, 114), (86, 211, 100)),
}

#: As rich's own, but with the fonts that are here: a picture in a page may fetch none.
_FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
    font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
    font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def draw() -> Mapping[str, str]:
    """Return the picture by scheme: ``light`` and ``dark``."""
    with tempfile.TemporaryDirectory(prefix=project.SCRATCH_PREFIX) as directory:
        scratch = Path(directory).resolve()
        display = Display()
        root = demo.fetch_or_generate(scratch / "demo", display.say)
        found = check.check(project.find(str(root)), 8, named("build"), scratch, display)
    return {scheme: _terminal(found, scheme) for scheme in _THEMES}


def _terminal(found: Report, scheme: str) -> str:
    console = Console(
        file=io.StringIO(),
        record=True,
        width=92,
        highlight=False,
        force_terminal=True,
        color_system="truecolor",
    )
    console.print(Text.assemble(("$ ", "dim"), (_COMMAND, "bold")))
    report.show(found, console)
    console.print()  # or the last line loses what hangs below it
    background, foreground, *colours = _THEMES[scheme]
    theme = TerminalTheme(background, foreground, [*colours, *[foreground] * 5])
    text = console.export_svg(title="", theme=theme, code_format=_FORMAT, unique_id="check")
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).rstrip("\n") + "\n"
