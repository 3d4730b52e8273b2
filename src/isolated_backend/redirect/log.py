"""What is told at setuptools' own verbosity: where its lines go, and only if it prints such ones.

It is set by ``verbose``, ``quiet`` and ``--global-option`` in ``config_settings`` and by
``[global]`` in a configuration file, and is known once setuptools has run.
"""

from __future__ import annotations

from importlib import import_module


def debug(text: str) -> None:
    """Say *text* if setuptools is to be verbose."""
    import_module("distutils.log").debug("%s", f"isolated-backend: {text}")


def says_info() -> bool:
    """Tell whether setuptools has come to print what it does, and not only what is wrong."""
    module = import_module("distutils.log")
    log = module._global_log
    # It was no logger of the module logging before setuptools 65.6.
    level = log.threshold if hasattr(log, "threshold") else log.getEffectiveLevel()
    return bool(level <= module.INFO)
