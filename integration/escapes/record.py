"""Reading what ``strace -f -y`` writes: calls that have ended, and processes that have.

A line is ``PID  name(arguments) = result``. A call that another process' call comes between stands
on two lines, ``name(arguments <unfinished ...>`` and ``<... name resumed>more) = result``. Text is
in double quotes and the path of a descriptor in angle brackets, both with C's escapes, so that the
quotes and brackets in a name are told from those around it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .errors import TraceError

_LINE = re.compile(r"(?P<pid>\d+) +(?P<text>.*)")
_RESUMED = re.compile(r"<\.\.\. (?P<name>[\w?]+) resumed> ?(?P<text>.*)")
_NAME = re.compile(r"(?P<name>[\w?]+)\(")
_SUPERSEDED = re.compile(r"\+\+\+ superseded by execve in pid (\d+) \+\+\+")
_UNFINISHED = re.compile(r" ?<(?:unfinished|detached) \.\.\.>$")

#: What arguments are made of: text, the path of a descriptor, a bracket, a comma, all else.
_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"(?:\.\.\.)?|(?<=[\dD])<(?:[^<>\\]|\\.)*>|[\[({]|[\])}]|,|[^\[({\])},"<]+|.'
)
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_DESCRIPTOR = re.compile(r"(AT_FDCWD|\d+)<((?:[^<>\\]|\\.)*)>")
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}


@dataclass(frozen=True)
class Call:
    """A call that has succeeded.

    Attributes:
        pid: the thread that made it.
        name: of the call.
        arguments: as they are written.
        result: what it returned, as it is written.
        begun: the number of the line on which it begins.
        ended: and on which it ends.
    """

    pid: int
    name: str
    arguments: tuple[str, ...]
    result: str
    begun: int
    ended: int


@dataclass(frozen=True)
class End:
    """The end of a thread, on line *ended*."""

    pid: int
    ended: int


def read(lines: Iterable[str]) -> Iterator[Call | End]:
    """Yield what is recorded, in the order in which it ended.

    Args:
        lines: what strace has written.

    Raises:
        TraceError: a line is of no form that is known.
    """
    pending: dict[int, tuple[int, str]] = {}
    for number, line in enumerate(lines):
        match = _LINE.fullmatch(line.rstrip("\n"))
        if match is None:
            raise TraceError(f"strace wrote a line that cannot be read: {line!r}")
        pid, text = int(match["pid"]), match["text"]
        if text.startswith("+++"):
            superseded = _SUPERSEDED.fullmatch(text)
            if superseded:  # a thread has called execve, and goes on under its leader's number
                pending[pid] = pending.pop(int(superseded[1]))
            else:
                pending.pop(pid, None)
                yield End(pid, number)
            continue
        begun, resumed = number, _RESUMED.fullmatch(text)
        if resumed:
            begun, before = pending.pop(pid)
            text = before + resumed["text"]
        elif _UNFINISHED.search(text):
            pending[pid] = number, _UNFINISHED.sub("", text)
            continue
        call = _call(pid, text, begun, number)
        if call is not None:
            yield call


def _call(pid: int, text: str, begun: int, ended: int) -> Call | None:
    """Return the call in *text*; ``None`` if it has failed, or its process died in it."""
    name = _NAME.match(text)
    if name is None:
        raise TraceError(f"strace wrote a call that cannot be read: {text!r}")
    arguments, rest = _split(text[name.end() :])
    result = rest.strip().removeprefix("=").strip()
    if result.startswith(("-", "?")) or not result:
        return None
    return Call(pid, name["name"], tuple(arguments), result, begun, ended)


def _split(text: str) -> tuple[list[str], str]:
    """Return the arguments at the beginning of *text*, and what follows the closing bracket."""
    arguments, depth, start = [""], 0, 0
    for token in _TOKEN.finditer(text):
        word, start = token[0], token.end()
        if word == "," and depth == 0:
            arguments.append("")
            continue
        if word in ("(", "[", "{"):
            depth += 1
        elif word in (")", "]", "}"):
            depth -= 1
            if depth < 0:
                break
        arguments[-1] += word
    return [argument.strip() for argument in arguments], text[start:]


def text_of(argument: str) -> str | None:
    """Return the first text in double quotes in *argument*; ``None`` if there is none."""
    match = _TEXT.search(argument)
    return None if match is None else _unescaped(match[1])


def texts_of(argument: str) -> list[str]:
    """Return all texts in double quotes in *argument*."""
    return [_unescaped(text) for text in _TEXT.findall(argument)]


def descriptor_of(argument: str) -> tuple[int | None, str | None]:
    """Return the number and the path of a descriptor; ``None`` for what is not told."""
    match = _DESCRIPTOR.match(argument)
    if match is None:
        return (int(argument) if argument.isdigit() else None), None
    number = None if match[1] == "AT_FDCWD" else int(match[1])
    return number, _unescaped(match[2]).removesuffix(" (deleted)")


def _unescaped(text: str) -> str:
    def one(match: re.Match[bytes]) -> bytes:
        found = match[1]
        if found[:1].isdigit():
            return bytes([int(found, 8)])
        return _LETTERS.get(found, found)

    return os.fsdecode(_ESCAPE.sub(one, text.encode()))
