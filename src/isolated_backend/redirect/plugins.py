"""What other packages have registered: entry points."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .replacement import Replacements

if TYPE_CHECKING:
    from ..shadow import Shadow
    from .replacement import Method

replaces = Replacements()


@replaces("importlib.metadata", "", "entry_points")
def _entry_points(shadow: Shadow, original: Method) -> Method:
    """Read the metadata of all that is installed once for the call, not for each command.

    What has been read is good for as long as ``importlib.metadata`` itself would trust what it
    remembers of a directory: until ``sys.path`` or the time of a directory in it changes.
    """
    read: dict[tuple[Any, ...], Any] = {}

    def entry_points(**params: Any) -> Any:
        if not params:
            return original()
        state = _state_of_path()
        if state not in read:
            read.clear()
            read[state] = original()
        return read[state].select(**params)

    return entry_points


_PYPROJECT = "setuptools.config._apply_pyprojecttoml"


@replaces(_PYPROJECT, "", "_copy_command_options", optional=True)
def _copy_command_options(shadow: Shadow, original: Method) -> Method:
    """Load no commands of setuptools to check ``[tool.distutils]`` where there is none.

    Loading is all that is then done with them. Others' are still loaded, for what their modules
    may do on being imported; and so are all in a project with a setup.py, which may use one of
    setuptools' modules without importing it.
    """

    def copy_command_options(pyproject: Any, *args: Any) -> None:
        module = import_module(_PYPROJECT)
        load = getattr(module, "_load_ep", None)
        checked = "distutils" in pyproject.get("tool", {})
        if checked or load is None or os.path.lexists(os.path.join(shadow.root, "setup.py")):
            original(pyproject, *args)
            return

        def load_others(entry_point: Any) -> Any:
            return None if entry_point.value.startswith("setuptools.") else load(entry_point)

        module._load_ep = load_others  # type: ignore[attr-defined]
        try:
            original(pyproject, *args)
        finally:
            module._load_ep = load  # type: ignore[attr-defined]

    return copy_command_options


def _state_of_path() -> tuple[Any, ...]:
    """Return something that is another when other packages can be found."""
    return (os.getcwd(), *((entry, _time_of(entry)) for entry in sys.path))


def _time_of(entry: Any) -> int | None:
    try:
        return os.stat(entry or os.curdir).st_mtime_ns
    except (OSError, TypeError, ValueError):
        return None
