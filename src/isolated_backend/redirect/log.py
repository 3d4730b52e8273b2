"""What is told at setuptools' own verbosity: where its lines go, and only if it prints such ones.

It is set by ``verbose``, ``quiet`` and ``--global-option`` in ``config_settings`` and by
``[global]`` in a configuration file, and is known once setuptools has run.
"""

from __future__ import annotations

from importlib import import_module


def info(text: str) -> None:
    """Say *text*, unless setuptools is to be quiet."""
    import_module("distutils.log").info("%s", f"isolated-backend: {text}")


def debug(text: str) -> None:
    """Say *text* if setuptools is to be verbose."""
    import_module("distutils.log").debug("%s", f"isolated-backend: {text}")
