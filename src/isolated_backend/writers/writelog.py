"""The log of writes, which ``isolated-backend check`` reads."""

from __future__ import annotations

import os
from contextlib import suppress

from ..errors import SettingsError

#: Names a file to which each hook adds, a line each, what it sees being written into the tree.
VARIABLE = "ISOLATED_BACKEND_LOG_WRITES"

#: What a line begins with that names a program which may write, or what has written unseen.
PROGRAM, UNSEEN = "//program ", "//unseen "


class WriteLog:
    """The file that the environment names, if it does.

    Raises:
        SettingsError: it cannot be opened.
    """

    def __init__(self) -> None:
        self._descriptor = None
        self.path = os.path.abspath(os.environ.get(VARIABLE, ""))
        if path := os.environ.get(VARIABLE):
            try:
                self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            except OSError as error:
                message = f"{VARIABLE}: cannot open {path}: {error.strerror}."
                raise SettingsError(message) from error

    def add(self, line: str) -> None:
        """Add a line; a full disk does not stop the project."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.write(self._descriptor, os.fsencode(line) + b"\n")

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
