"""Build requirements and metadata without a file list, which is in neither.

Assumes of setuptools that ``find_sources`` is the last step of ``egg_info``, and only lists files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..redirect.replacement import Replacements, is_setuptools_own

if TYPE_CHECKING:
    from ..call import Call
    from ..redirect.replacement import Method

replaces = Replacements(
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "get_requires_for_build_editable",
    "prepare_metadata_for_build_wheel",
    "prepare_metadata_for_build_editable",
)


@replaces("setuptools.command.egg_info", "egg_info", "find_sources")
def _find_sources(call: Call, original: Method, self: Any) -> None:
    """Make no file list: it takes by far the longest of all steps.

    All that shows is that the ``.egg-info`` beside the ``.dist-info``, which setuptools calls
    transitional, has no SOURCES.txt. A project's own ``egg_info`` may want the list, and gets it.
    """
    if not is_setuptools_own(self, "run", "find_sources"):
        original(self)
