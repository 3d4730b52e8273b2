"""One call of one hook: what belongs to it and to no other."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from .shadow.paths import below

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .reproducible import NormalForm
    from .settings import Settings
    from .shadow.paths import Shadow

#: What is between an option and its value, or around them.
_BETWEEN_WORDS = re.compile("[\\s='\"]+")


@dataclass(eq=False)
class Call:
    """One call of a hook of setuptools' backend *delegate*, which works in *shadow*."""

    delegate: str
    hook: str
    settings: Settings
    shadow: Shadow
    #: That the artifact is to have, if any.
    normal_form: NormalForm | None = None
    #: Where the frontend wants the ``.dist-info`` of this call, if it does.
    metadata_directory: str | None = None
    #: The frontend's; ``None`` if all that is on setuptools' command line is.
    config_settings: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        self.is_open = True
        #: Names that were there when they were put on the file list. Those of regular files that
        #: were when the list of an sdist was complete have their modes; the others have 0.
        self.listed: dict[str, int] = {}
        self._collected: set[str] = set()
        self._written: list[str] = []

    @property
    def root(self) -> str:
        """The project root, which is the current directory of the hook."""
        return self.shadow.root

    @property
    def own(self) -> list[str]:
        """The directories in which a write is not a write into the source tree."""
        # Other builds' files in TMPDIR, should that be the root itself, and the frontend's.
        inside = os.path.join(self.root, "")
        passed = filter(None, [self.metadata_directory, *self.shadow.temporary])
        return [self.shadow.slot, *(path for path in passed if path.startswith(inside))]

    def asks_for(self, value: str) -> bool:
        """Tell whether *value*, of an option on setuptools' command line, is the frontend's.

        A setup.py can add to ``sys.argv``, too, and would add the same in each build.
        """
        if self.config_settings is None:
            return True
        values = self.config_settings.values()
        lists = (value if isinstance(value, list) else [value] for value in values)
        options = _words(map(str, chain.from_iterable(lists)))
        return all(any(option.endswith(word) for option in options) for word in _words([value]))

    def collect(self, directory: str) -> None:
        """Note that the artifact is made of the files in *directory*, if that is in the shadow."""
        if below(directory, self.shadow.slot) is not None:  # and not where the caller asked for it
            self._collected.add(self.shadow.from_root(directory))

    def note_write(self, name: str) -> None:
        """Note that the project is about to write *name*, relative to the root."""
        self._written.append(name)

    def lost(self) -> str | None:
        """Return a file that setuptools would have put into the artifact, and we would not.

        A setup.py may name a staging directory by its default path in the root (``build/lib``,
        ``name-version``), and write a file there.
        """
        for name in self._written:
            collected = any(below(name, place) is not None for place in self._collected)
            if collected and os.path.isfile(os.path.join(self.root, name)):
                return name
        return None


def _words(texts: Iterable[str]) -> list[str]:
    """Return the options in *texts*, and their values."""
    return _BETWEEN_WORDS.sub(" ", " ".join(texts)).split()
