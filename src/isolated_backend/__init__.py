"""A PEP 517 and PEP 660 build backend: setuptools, isolated.

``build-backend = "isolated_backend"`` in ``pyproject.toml``, and any number of frontends can build
the same project root at the same time. Every hook delegates to :mod:`setuptools.build_meta` with
the same arguments; whatever that would write in the source tree goes to a directory of its own.

Importing this module is cheap: setuptools is not needed before a hook is called.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # `typing` takes longer to import than all that build requirements need
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    ConfigSettings: TypeAlias = Mapping[str, str | list[str] | None] | None

__version__ = "0.1.0"


def _load(root: str) -> None:
    """Get ready to import what runs a hook, without a ``.pyc`` of ours in *root* (in-tree use)."""
    if f"{__name__}.hook" not in sys.modules:
        from . import bytecode

        bytecode.keep_our_own_out_of(root, __path__[0], __spec__, bytecode.__spec__)


class _Backend:
    """The hooks, with the parameter names of PEP 517, which frontends pass by keyword.

    Every hook raises :class:`SystemExit` with a message for the user when the project, its
    settings or the machine are at fault, as setuptools itself does.
    """

    def __init__(self, delegate: str) -> None:
        self._delegate = delegate

    def _run(self, hook: str, **arguments: Any) -> Any:
        root = os.getcwd()  # before another thread can change it
        _load(root)
        from .hook import run

        return run(self._delegate, hook, root, arguments)

    def _prepare(self, hook: str, directory: str, settings: ConfigSettings) -> str:
        return str(self._run(hook, metadata_directory=directory, config_settings=settings))

    def _build(
        self, hook: str, directory: str, settings: ConfigSettings, metadata: str | None
    ) -> str:
        passed = {"wheel_directory": directory, "metadata_directory": metadata}
        return str(self._run(hook, config_settings=settings, **passed))

    def get_requires_for_build_sdist(self, config_settings: ConfigSettings = None) -> list[str]:
        """Return the build requirements of an sdist beyond ``build-system.requires`` (PEP 517)."""
        return list(self._run("get_requires_for_build_sdist", config_settings=config_settings))

    def get_requires_for_build_wheel(self, config_settings: ConfigSettings = None) -> list[str]:
        """Return the build requirements of a wheel beyond ``build-system.requires`` (PEP 517)."""
        return list(self._run("get_requires_for_build_wheel", config_settings=config_settings))

    def prepare_metadata_for_build_wheel(
        self, metadata_directory: str, config_settings: ConfigSettings = None
    ) -> str:
        """Create the wheel's ``.dist-info`` in *metadata_directory*; return its name (PEP 517)."""
        hook = "prepare_metadata_for_build_wheel"
        return self._prepare(hook, metadata_directory, config_settings)

    def build_sdist(self, sdist_directory: str, config_settings: ConfigSettings = None) -> str:
        """Build an sdist, put it into *sdist_directory* and return its name (PEP 517)."""
        passed = {"sdist_directory": sdist_directory}
        return str(self._run("build_sdist", config_settings=config_settings, **passed))

    def build_wheel(
        self,
        wheel_directory: str,
        config_settings: ConfigSettings = None,
        metadata_directory: str | None = None,
    ) -> str:
        """Build a wheel, put it into *wheel_directory* and return its name (PEP 517)."""
        return self._build("build_wheel", wheel_directory, config_settings, metadata_directory)


class _EditableBackend(_Backend):
    """The hooks of PEP 660, too."""

    def get_requires_for_build_editable(self, config_settings: ConfigSettings = None) -> list[str]:
        """Return the build requirements of an editable wheel (PEP 660)."""
        return list(self._run("get_requires_for_build_editable", config_settings=config_settings))

    def prepare_metadata_for_build_editable(
        self, metadata_directory: str, config_settings: ConfigSettings = None
    ) -> str:
        """Create the editable wheel's ``.dist-info``; return its name (PEP 660)."""
        hook = "prepare_metadata_for_build_editable"
        return self._prepare(hook, metadata_directory, config_settings)

    def build_editable(
        self,
        wheel_directory: str,
        config_settings: ConfigSettings = None,
        metadata_directory: str | None = None,
    ) -> str:
        """Build an editable wheel, put it into *wheel_directory* and return its name (PEP 660)."""
        return self._build("build_editable", wheel_directory, config_settings, metadata_directory)


def _is_legacy_editable() -> bool:
    """Tell whether the user and setuptools want editable installs without hooks."""
    features = os.environ.get("SETUPTOOLS_ENABLE_FEATURES", "").lower().replace("_", "-")
    if "legacy-editable" not in features:
        return False
    _load(os.getcwd())
    from .redirect.installed import knows_legacy_editable

    return knows_legacy_editable()


_Hooks = _Backend if _is_legacy_editable() else _EditableBackend
_backend = _Hooks("setuptools.build_meta")

#: Backends in the tree that wrap this one like to import all of it.
__all__ = ["__legacy__", *(name for name in dir(_backend) if not name.startswith("_"))]

get_requires_for_build_sdist = _backend.get_requires_for_build_sdist
get_requires_for_build_wheel = _backend.get_requires_for_build_wheel
prepare_metadata_for_build_wheel = _backend.prepare_metadata_for_build_wheel
build_sdist = _backend.build_sdist
build_wheel = _backend.build_wheel
if isinstance(_backend, _EditableBackend):
    get_requires_for_build_editable = _backend.get_requires_for_build_editable
    prepare_metadata_for_build_editable = _backend.prepare_metadata_for_build_editable
    build_editable = _backend.build_editable

#: ``build-backend = "isolated_backend:__legacy__"``: the root is on ``sys.path`` and
#: ``sys.argv[0]`` is ``setup.py``, as a setup.py that was written before PEP 517 expects.
__legacy__ = _Hooks("setuptools.build_meta:__legacy__")
