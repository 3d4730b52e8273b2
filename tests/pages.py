"""The pages of the documentation, as what they have their reader do.

A comment right before a code block says how it is tried out, for no command is shown that nobody
has run:

``<!-- begin: PROJECT -->``
    Go to a new copy of PROJECT, and run the commands there; so do all blocks that follow on the
    page. With ``PROJECT, nothing installed`` there is just Python and pip.
``<!-- file: PATH -->``
    Write the block to that file of the project.
``<!-- jobs: PATH -->``
    The same for what a continuous integration server reads; then do what it says.
``<!-- exit: STATUS -->``
    The commands end with this exit status.
``<!-- long -->``
    Ask each program for ``--help`` instead, and see that it knows the options.
``<!-- suite -->``
    That is what runs all the tests, in ``.ci/run``.

What is shown below a command has to be printed by it, line by line in this order; ``…`` stands for
anything.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

REPOSITORY = Path(__file__).parent.parent

#: In languages of these names there are commands; a prompt is shown in the first one alone.
CONSOLE = "console"
COMMANDS = (CONSOLE, "bash", "sh", "shell", "shell-session", "zsh", "bat", "powershell")

#: What servers read has commands in it.
JOBS = ("yaml", "yml", "groovy")

_PROMPT = "$ "
_MARK = re.compile(r"<!--\s*(begin|file|jobs|exit|long|suite)(?::\s*(.*?))?\s*-->")
_DIRECTIVE = re.compile(r"\{code(?:-block)?\}\s*(\w*)")


@dataclass(frozen=True)
class Block:
    """A code block of a page.

    Attributes:
        page: the page's path.
        line: the number of its first line.
        language: what it is written in; empty if the page does not tell.
        text: what it shows.
        marks: what the comment before it says about it.
    """

    page: Path
    line: int
    language: str
    text: str
    marks: Mapping[str, str]

    @property
    def commands(self) -> list[str]:
        """The command lines, without prompts; one may go on over several lines."""
        return [command for command, _ in self.dialogue]

    @property
    def dialogue(self) -> list[tuple[str, list[str]]]:
        """The command lines, and the lines that each is shown to print."""
        found: list[tuple[str, list[str]]] = []
        goes_on = False
        for line in self.text.splitlines():
            if goes_on:
                found[-1] = (f"{found[-1][0]}\n{line}", [])
            elif self.language != CONSOLE or line.startswith(_PROMPT):
                if line.strip():
                    found.append((line.removeprefix(_PROMPT), []))
            elif found:
                found[-1][1].append(line)
            else:
                raise ValueError(f"{self}: a line is printed before there is a command: {line}")
            goes_on = line.endswith("\\") and not (found and found[-1][1])
        return found

    def __str__(self) -> str:
        return f"{os.path.relpath(self.page, REPOSITORY)}, line {self.line}"


def pages() -> list[Path]:
    """Return the paths of all pages."""
    found = [path for path in (REPOSITORY / "docs").rglob("*.md") if "_build" not in path.parts]
    return [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted(found)]


def blocks(page: Path) -> Iterator[Block]:
    """Yield the code blocks of *page*."""
    marks: dict[str, str] = {}
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        if token.type == "html_block":
            marks |= {key: value or "" for key, value in _MARK.findall(token.content)}
        elif token.type in ("fence", "code_block"):
            directive = _DIRECTIVE.match(token.info)
            words = [directive[1]] if directive else token.info.split()[:1]
            line = (token.map or [0])[0] + 1
            yield Block(page, line, "".join(words).lower(), token.content, marks)
            marks = {}
        elif token.nesting >= 0 and marks:
            raise ValueError(f"{page}: {marks} is not followed by a code block")
