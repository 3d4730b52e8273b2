"""The hooks of PEP 517 and PEP 660, from what the frontend passes to what it gets back."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager

# What only a build needs is imported there: build requirements are mostly told without it.
from . import bytecode, requirements
from .errors import BackendError
from .settings import Settings

TYPE_CHECKING = False  # `typing` takes as long as all else that build requirements need
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeAlias

    from .call import Call

    ConfigSettings: TypeAlias = Mapping[str, str | list[str] | None]

# setuptools works through sys.argv, the current directory and its classes' attributes: of one
# process's hooks only one can run at a time. A hook may call another (setup.py builds itself).
_one_at_a_time = threading.RLock()


def get_requires(delegate: str, kind: str, config_settings: ConfigSettings | None) -> list[str]:
    """Return the additional build requirements of an artifact of *kind*.

    Args:
        delegate: the backend of setuptools to ask, as ``build-backend`` would name it.
        kind: ``sdist``, ``wheel`` or ``editable``.
        config_settings: passed on untouched.
    """
    with _entered() as root:
        Settings.read(root)  # whoever mistyped them hears so at the first hook
        known = requirements.known(root, kind, config_settings)
    if known is not None:
        return known
    with _call(delegate, f"get_requires_for_build_{kind}") as call:
        return list(call.setuptools(config_settings))


def prepare_metadata(
    delegate: str, kind: str, metadata_directory: str, config_settings: ConfigSettings | None
) -> str:
    """Create a ``.dist-info`` in *metadata_directory* and return its name.

    The frontend asked for files in just this directory, so they are made there, wherever it is.
    """
    metadata_directory = os.path.abspath(metadata_directory)
    hook = f"prepare_metadata_for_build_{kind}"
    with _call(delegate, hook, metadata_directory) as call:
        return str(call.setuptools(metadata_directory, config_settings))


def build_sdist(delegate: str, sdist_directory: str, config_settings: ConfigSettings | None) -> str:
    """Build an sdist in the shadow, publish it to *sdist_directory* and return its name."""
    sdist_directory = os.path.abspath(sdist_directory)
    with _call(delegate, "build_sdist") as call:
        name = call.setuptools(call.shadow.dist, config_settings)
        return call.published(name, sdist_directory)


def build_wheel(
    delegate: str,
    kind: str,
    wheel_directory: str,
    config_settings: ConfigSettings | None,
    metadata_directory: str | None,
) -> str:
    """Build a wheel in the shadow, publish it to *wheel_directory* and return its name.

    Args:
        delegate: the backend of setuptools to ask.
        kind: ``wheel`` or ``editable``.
        wheel_directory: where the frontend wants the wheel.
        config_settings: passed on untouched.
        metadata_directory: what :func:`prepare_metadata` made before, if anything.
    """
    wheel_directory = os.path.abspath(wheel_directory)
    with _call(delegate, f"build_{kind}") as call:
        name = call.setuptools(call.shadow.dist, config_settings, metadata_directory)
        return call.published(name, wheel_directory)


@contextmanager
def _call(delegate: str, hook: str, metadata_directory: str | None = None) -> Iterator[Call]:
    """Yield a call of *hook* to setuptools' *delegate*, in a shadow of its own."""
    with _entered() as root:
        from . import compiled

        with compiled.shared(root):
            from .call import opened

            with opened(root, delegate, hook, metadata_directory) as call:
                yield call


@contextmanager
def _entered() -> Iterator[str]:
    """Yield the project root to one hook at a time, with no bytecode written there.

    Used in-tree, this backend has modules there that are imported only when they are needed.
    """
    root = os.getcwd()
    with _told_to_the_user(), _one_at_a_time, bytecode.kept_out_of(root):
        yield root


@contextmanager
def _told_to_the_user() -> Iterator[None]:
    """Turn our errors into :class:`SystemExit`: the frontend shows the text, no traceback."""
    try:
        yield
    except BackendError as error:
        raise SystemExit(f"isolated-backend: {error}") from None
