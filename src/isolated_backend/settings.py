"""What the user has set: ``[tool.isolated-backend]`` and the environment."""

from __future__ import annotations

import os
import sys

from .errors import SettingsError

TYPE_CHECKING = False  # `typing` takes longer to import than the rest
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

TABLE = "tool.isolated-backend"
KEEP_VARIABLE = "ISOLATED_BACKEND_KEEP"

#: ``auto``: lock the tree when the project begins to write into it. ``lock``: from the start.
#: ``private``: let each hook write to a tree of its own. ``allow``: do nothing.
IN_TREE_WRITES = ("auto", "lock", "private", "allow")

_FALSE = frozenset({"", "0", "false", "no", "off"})

#: What the value of each key of the table has to be.
_KEYS = {
    "keep": "true or false",
    "in-tree-writes": f"one of {', '.join(map(repr, IN_TREE_WRITES))}",
    "lock-timeout": "a number of seconds that is not negative",
}


class Settings:
    """The settings of one hook call; each is a key of the table, with ``-`` for ``_``.

    Attributes:
        keep: keep the shadow when the hook is done, and say where it is.
        in_tree_writes: how to handle a project that writes into its own tree: one of
            :data:`IN_TREE_WRITES`.
        lock_timeout: how many seconds to wait for another build of the same tree that writes
            into it.
    """

    def __init__(
        self, *, keep: bool = False, in_tree_writes: str = "auto", lock_timeout: float = 3600.0
    ) -> None:
        self.keep = keep
        self.in_tree_writes = in_tree_writes
        self.lock_timeout = lock_timeout

    @classmethod
    def read(cls, root: str) -> Settings:
        """Return the settings of the project in *root*; the environment wins over pyproject.toml.

        Raises:
            SettingsError: pyproject.toml cannot be read, or has an unknown key or a wrong value.
        """
        table = _table(os.path.join(root, "pyproject.toml"))
        for key, value in table.items():
            if key not in _KEYS:
                known = ", ".join(f"`{name}`" for name in _KEYS)
                raise SettingsError(
                    f"pyproject.toml: [{TABLE}] has no key `{key}`; it knows {known}."
                )
            if not _is_right(key, value):
                raise SettingsError(
                    f"pyproject.toml: `{key}` in [{TABLE}] must be {_KEYS[key]}, not {value!r}."
                )
        settings = cls(**{key.replace("-", "_"): value for key, value in table.items()})
        if KEEP_VARIABLE in os.environ:
            settings.keep = os.environ[KEEP_VARIABLE].strip().lower() not in _FALSE
        return settings


def _is_right(key: str, value: Any) -> bool:
    if key == "keep":
        return isinstance(value, bool)
    if key == "in-tree-writes":
        return value in IN_TREE_WRITES
    return type(value) in (int, float) and value >= 0


def _table(path: str) -> Mapping[str, Any]:
    """Return the backend's table in the pyproject.toml at *path*; empty if there is none."""
    try:
        with open(path, "rb") as file:
            table = _toml_parser().load(file).get("tool", {}).get("isolated-backend", {})
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"Cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    except AttributeError:
        raise SettingsError(f"{path}: `tool` must be a table.") from None
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: [{TABLE}] must be a table.")
    return table


def _toml_parser() -> Any:
    """Return :mod:`tomllib`, or on Python 3.10 the copy that comes with setuptools."""
    if sys.version_info >= (3, 11):
        import tomllib

        return tomllib
    from .redirect import installed

    return installed.vendored_tomli()
