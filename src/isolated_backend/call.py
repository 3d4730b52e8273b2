"""One call of one hook: what belongs to it and to no other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .reproducible import NormalForm
    from .settings import Settings
    from .shadow.paths import Shadow
    from .shortcuts.copies import Copies


class Call:
    """One call of one hook.

    Args:
        delegate: setuptools' backend, as ``build-backend`` would name it.
        hook: the name of the hook.
        settings: those of the project.
        shadow: where the call works.
        normal_form: the normal form that the artifact is to have, if any.
        metadata_directory: where the frontend wants the ``.dist-info`` of this call, if it does.
    """

    def __init__(
        self,
        delegate: str,
        hook: str,
        settings: Settings,
        shadow: Shadow,
        normal_form: NormalForm | None = None,
        metadata_directory: str | None = None,
    ) -> None:
        self.delegate = delegate
        self.hook = hook
        self.settings = settings
        self.shadow = shadow
        self.normal_form = normal_form
        self.metadata_directory = metadata_directory
        self.is_open = True
        self.copies: Copies | None = None  # those that are put off, while a wheel is made
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
        return [self.shadow.place, *(path for path in passed if path.startswith(inside))]

    def collect(self, directory: str) -> None:
        """Note that the artifact is made of the files in *directory*, a path in the shadow."""
        self._collected.add(self.shadow.in_tree(directory))

    def note_write(self, name: str) -> None:
        """Note that the project is about to write *name*, relative to the root."""
        self._written.append(name)

    def lost(self) -> str | None:
        """Return a file that setuptools would have put into the artifact, and we would not.

        A setup.py may name a staging directory by its default path in the root (``build/lib``,
        ``name-version``), and write a file there.
        """
        for name in self._written:
            collected = any(is_below(name, directory) for directory in self._collected)
            if collected and os.path.isfile(os.path.join(self.root, name)):
                return name
        return None


def is_below(path: str, directory: str) -> bool:
    """Tell whether *path* is *directory* or in it."""
    return path == directory or path.startswith(os.path.join(directory, ""))
