"""What is told at setuptools' own verbosity: where its lines go, and only if it prints such ones.

It is set by ``verbose``, ``quiet`` and ``--global-option`` in ``config_settings`` and by
``[global]`` in a configuration file, and is known once setuptools has run.
"""

from __future__ import annotations

import sys
from importlib import import_module


def info(text: str) -> None:
    """Say *text*, unless setuptools is to be quiet."""
    from distutils import log

    log.info("%s", _printable(text))


def debug(text: str) -> None:
    """Say *text* if setuptools is to be verbose."""
    from distutils import log

    log.debug("%s", _printable(text))


def _printable(text: str) -> str:
    """Return *text* as the standard output stream can show it: logging fails in the middle."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return f"isolated-backend: {text}".encode(encoding, "backslashreplace").decode(encoding)


def verbosity() -> int:
    """Return how verbose setuptools has become in this process."""
    log = import_module("distutils.log")._global_log
    # It was no logger of the module logging before setuptools 65.6.
    return int(log.threshold if hasattr(log, "threshold") else log.level)


def resume(verbosity: int) -> None:
    """Be as verbose as setuptools has become in another process (:func:`verbosity`)."""
    import_module("setuptools.logging").configure()
    import_module("distutils.log").set_threshold(verbosity)
