"""The setuptools that is installed: what it is, what it brings along, what it reads."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec

from ..errors import BackendError

TYPE_CHECKING = False  # `typing` takes longer to import than the rest
if TYPE_CHECKING:
    from typing import Any

#: The first setuptools with the hooks of PEP 660, and the first that Python 3.12 can import.
OLDEST = "66.1" if sys.version_info >= (3, 12) else "64"


def load(delegate: str) -> Any:
    """Import setuptools' backend that *delegate*, a ``build-backend`` value, names."""
    module, _, attribute = delegate.partition(":")
    setuptools = _import_setuptools()
    from packaging.version import Version

    if Version(setuptools.__version__) < Version(OLDEST):
        raise BackendError(
            f"setuptools {setuptools.__version__} is too old; "
            f'write "setuptools>={OLDEST}" in build-system.requires.'
        )
    backend = import_module(module)
    return getattr(backend, attribute) if attribute else backend


def _import_setuptools() -> Any:
    try:
        return import_module("setuptools")
    except (ImportError, AttributeError) as error:  # of an old one, which Python is too new for
        if _directory_of_setuptools() is None:
            raise BackendError(
                "setuptools is not installed; add it to build-system.requires in pyproject.toml."
            ) from error
        advice = f'Write "setuptools>={OLDEST}" in build-system.requires.'
        if os.environ.get("SETUPTOOLS_USE_DISTUTILS") == "stdlib":
            advice = "Unset SETUPTOOLS_USE_DISTUTILS: Python 3.12 and later have no distutils."
        raise BackendError(f"setuptools cannot be imported: {error}. {advice}") from error


def _directory_of_setuptools() -> str | None:
    """Return where setuptools would be imported from, if it can be."""
    try:
        spec = find_spec("setuptools")
    except ValueError:  # it has been imported, or been kept from it
        return None
    return os.path.dirname(spec.origin) if spec and spec.origin else None


def configuration_files(root: str) -> list[str]:
    """Return the files in which ``setup_requires`` can stand (``find_config_files``)."""
    package = _directory_of_setuptools()
    standard = os.path.join(os.path.dirname(os.__file__), "distutils")
    directories = [standard, *([os.path.join(package, "_distutils")] if package else [])]
    user = ".pydistutils.cfg" if os.name == "posix" else "pydistutils.cfg"
    asked = os.environ.get("DIST_EXTRA_CONFIG")
    return [
        *(os.path.join(directory, "distutils.cfg") for directory in directories),
        os.path.join(os.path.expanduser("~"), user),
        os.path.join(root, "setup.cfg"),
        *([asked] if asked else []),
    ]


def static_requirements(kind: str) -> list[str] | None:
    """Return what setuptools requires for every ``sdist``, ``wheel`` or ``editable``, if it can be.

    That is ``wheel`` for wheels, until setuptools 70.1 got a ``bdist_wheel`` of its own.
    """
    package = _directory_of_setuptools()
    if package is None:
        return None
    commands = os.path.join(package, "command")
    if not os.path.exists(os.path.join(commands, "editable_wheel.py")):
        return None
    own = kind == "sdist" or os.path.exists(os.path.join(commands, "bdist_wheel.py"))
    return [] if own else ["wheel"]


def knows_legacy_editable() -> bool:
    """Tell whether this setuptools minds ``SETUPTOOLS_ENABLE_FEATURES=legacy-editable``."""
    package = _directory_of_setuptools()
    if package is None:
        return False
    with open(os.path.join(package, "build_meta.py"), encoding="utf-8") as source:
        return "LEGACY_EDITABLE" in source.read()


def vendored_tomli() -> Any:
    """Return tomli, or the copy in setuptools: Python 3.10 has no TOML parser of its own."""
    with suppress(ImportError):
        return import_module("tomli")
    _import_setuptools()  # newer versions put their vendored packages on sys.path
    for name in ("tomli", "setuptools._vendor.tomli", "setuptools.extern.tomli"):
        with suppress(ImportError):
            return import_module(name)
    raise BackendError(
        f"No TOML parser found for Python {sys.version_info.major}.{sys.version_info.minor}; "
        'add "tomli" to build-system.requires in pyproject.toml.'
    )
