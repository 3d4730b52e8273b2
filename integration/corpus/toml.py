"""Reading TOML, which Python 3.10 cannot do by itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from .errors import CorpusError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read(path: Path) -> dict[str, Any]:
    """Return the content of the TOML file at *path*.

    Raises:
        CorpusError: it is not valid.
    """
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CorpusError(f"{path.name}: {error}") from error
    return content
