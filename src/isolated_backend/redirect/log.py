"""setuptools' own verbosity, which is known once it has run: ``config_settings`` can set it."""

from __future__ import annotations

from ..messages import printable


def debug(text: str) -> None:
    """Print *text* if setuptools is to be verbose."""
    from distutils import log

    log.debug("%s", printable(text))


def says_info() -> bool:
    """Tell whether setuptools prints what it does, and not only what is wrong."""
    from distutils import log

    # It was no logger of the module logging before setuptools 65.6.
    logger = log._global_log  # type: ignore[attr-defined]
    level = logger.threshold if hasattr(logger, "threshold") else logger.getEffectiveLevel()
    return bool(level <= log.INFO)
