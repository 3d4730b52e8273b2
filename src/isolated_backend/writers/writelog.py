"""The log of writes, which ``isolated-backend check`` reads."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ..errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Names a file to which each hook adds, a line each, what it sees being written into the tree.
VARIABLE = "ISOLATED_BACKEND_LOG_WRITES"

#: What a line begins with that names a program or an extension module which may have written.
PROGRAM = "//"


@contextmanager
def opened(path: str | None) -> Iterator[Callable[[str], object]]:
    """Yield a function that adds a line to the file at *path*, if there is one.

    Raises:
        SettingsError: the file cannot be opened.
    """
    if not path:
        yield lambda line: None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError as error:
        raise SettingsError(f"{VARIABLE}: cannot open {path}: {error.strerror}.") from error

    def add(line: str) -> None:
        with suppress(OSError):  # a full disk must not stop the project
            os.write(descriptor, os.fsencode(line) + b"\n")

    try:
        yield add
    finally:
        os.close(descriptor)
