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
    """The file that the environment names, if it does."""

    def __init__(self) -> None:
        self.path = os.path.abspath(os.environ.get(VARIABLE) or os.devnull)
        try:
            self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115
        except OSError as error:
            message = f"{VARIABLE}: cannot open {self.path}: {error.strerror}."
            raise SettingsError(message) from error

    def add(self, line: str) -> None:
        """Add a line; a full disk does not stop the project."""
        with suppress(OSError):
            self._file.write(os.fsencode(line) + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
