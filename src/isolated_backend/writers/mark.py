"""The mark of a hook that has written into its tree: the next one is a writer from the start.

A hook that becomes a writer lets go of its lock for reading first, and while it waits, its threads
read on. So that happens once for each project and hook, and not each time.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from ..shadow.temporary import own_directory_of, temporary_directory

if TYPE_CHECKING:
    from collections.abc import Mapping


class Mark:
    """The mark of one hook of the project in *root*, with the project's slots."""

    def __init__(self, root: str, hook: str) -> None:
        self._path = ""
        with suppress(OSError):
            directory = own_directory_of(root, temporary_directory())
            self._path = os.path.join(directory, f"{hook}.writes")

    def read(self) -> dict[str, bool] | None:
        """Return the trees around the root that the hook has used, and whether it wrote there."""
        with suppress(OSError), open(self._path, "rb") as file:
            entries = os.fsdecode(file.read()).split("\0")[:-1]
            return {entry[1:]: entry[0] == "w" for entry in entries}
        return None

    def leave(self, trees: Mapping[str, bool]) -> bool:
        """Leave the mark with what :meth:`read` is to return; tell whether that worked."""
        entries = (("w" if writes else "r") + tree + "\0" for tree, writes in trees.items())
        with suppress(OSError), open(self._path, "wb") as file:
            file.write(os.fsencode("".join(entries)))
            return True
        return False

    def remove(self) -> None:
        """Remove the mark: the hook has written nothing this time."""
        with suppress(OSError):
            os.unlink(self._path)
