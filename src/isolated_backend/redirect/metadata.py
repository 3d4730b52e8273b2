"""The ``*.egg-info``, and with it the metadata."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .directories import asked_for, name_of
from .replacement import Replacements, is_setuptools_own

if TYPE_CHECKING:
    from ..shadow import Shadow
    from .replacement import Method

replaces = Replacements()


_WITHOUT_FILE_LIST = (
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "get_requires_for_build_editable",
    "prepare_metadata_for_build_wheel",
    "prepare_metadata_for_build_editable",
)


@replaces("setuptools.command.egg_info", "egg_info", "finalize_options")
def _egg_info(shadow: Shadow, original: Method) -> Method:
    """Put ``*.egg-info`` into the shadow, beginning with what the root has of it.

    An unpacked sdist's SOURCES.txt is setuptools' file list where there is no version control.
    The directory is set here and not in ``run``, for others read ``egg_info`` in between.
    ``dist_info`` sets ``egg_base`` to the directory that the frontend, or who gave its option
    ``output_dir``, wants the metadata in: it stays.
    """

    def finalize_options(self: Any) -> None:
        original(self)
        base = os.path.abspath(os.path.join(shadow.root, self.egg_base))
        output = asked_for(self, "dist_info", "output_dir")
        asked = {shadow.metadata_directory, os.path.abspath(output) if output else None}
        if base in asked or asked_for(self, name_of(self), "egg_base"):
            return
        egg_info = shadow.relocate(self.egg_info)
        if egg_info != self.egg_info:
            self.egg_info = shadow.seed(egg_info)
            shadow.collect(self.egg_info)
            self.egg_base = os.path.dirname(egg_info)
            os.makedirs(self.egg_base, exist_ok=True)

    return finalize_options


@replaces("setuptools.command.egg_info", "egg_info", "find_sources", hooks=_WITHOUT_FILE_LIST)
def _find_sources(shadow: Shadow, original: Method) -> Method:
    """Make no file list for build requirements and metadata: it is not in either.

    It is the last and by far the longest step of ``egg_info``. (All that shows is that the
    ``.egg-info`` beside the ``.dist-info``, which setuptools calls transitional, has no
    SOURCES.txt.) A project's own ``egg_info`` may do something with the list, so that gets it.
    """

    def find_sources(self: Any) -> None:
        if not is_setuptools_own(self, "run", "find_sources"):
            original(self)

    return find_sources
