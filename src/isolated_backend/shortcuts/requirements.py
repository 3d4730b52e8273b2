"""Build requirements beyond those of pyproject.toml, where nothing dynamic can add to them.

``get_requires_*`` of setuptools runs all of ``egg_info``, the file list included, to see whether
``setup_requires`` is met. Assumes that without a setup.py that can only stand in a configuration
file: without it there, the answer is known before setuptools is imported.
"""

from __future__ import annotations

import os
from contextlib import suppress

TYPE_CHECKING = False  # `typing` takes longer to import than the rest
if TYPE_CHECKING:
    from collections.abc import Mapping


def known(
    root: str, kind: str, config_settings: Mapping[str, str | list[str] | None] | None
) -> list[str] | None:
    """Return what setuptools would answer for a *kind* (``wheel``); ``None`` if it has to be asked.

    It has to judge *config_settings*, which are arguments for it.
    """
    if config_settings or os.path.lexists(os.path.join(root, "setup.py")):
        return None
    from ..redirect import installed

    if any(_requires_something(path) for path in installed.configuration_files(root)):
        return None
    return installed.static_requirements(kind)


def _requires_something(path: str) -> bool:
    """Tell whether ``setup_requires`` appears in the configuration file at *path*."""
    with suppress(FileNotFoundError), open(path, "rb") as file:
        return b"setup_requires" in file.read().lower().replace(b"-", b"_")
    return False
