"""The ``*.egg-info``, and with it the metadata."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .directories import asked_for, name_of
from .replacement import Replacements

if TYPE_CHECKING:
    from ..call import Call
    from .replacement import Method

replaces = Replacements()


@replaces("setuptools.command.egg_info", "egg_info", "finalize_options")
def _egg_info(call: Call, original: Method, self: Any) -> None:
    """Put ``*.egg-info`` into the shadow, beginning with what the root has of it.

    An unpacked sdist's SOURCES.txt is setuptools' file list where there is no version control.
    The directory is set here and not in ``run``, for others read ``egg_info`` in between.
    ``dist_info`` sets ``egg_base`` to the directory that the frontend, or who gave its option
    ``output_dir``, wants the metadata in: it stays.
    """
    original(self)
    base = os.path.abspath(os.path.join(call.shadow.root, self.egg_base))
    output = asked_for(call, self, "dist_info", "output_dir")
    asked = {call.metadata_directory, os.path.abspath(output) if output else None}
    if base in asked or asked_for(call, self, name_of(self), "egg_base"):
        return
    egg_info = call.shadow.relocate(self.egg_info)
    if egg_info != self.egg_info:
        self.egg_info = call.shadow.seed(egg_info)
        call.collect(self.egg_info)
        self.egg_base = os.path.dirname(egg_info)
        os.makedirs(self.egg_base, exist_ok=True)
