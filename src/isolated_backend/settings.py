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

_TYPE_NAMES = {bool: "true or false", str: "a string", float: "a number"}


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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and vars(self) == vars(other)

    def __repr__(self) -> str:
        return f"Settings(**{vars(self)})"

    @classmethod
    def read(cls, root: str) -> Settings:
        """Return the settings of the project in *root*; the environment wins over pyproject.toml.

        Raises:
            SettingsError: pyproject.toml cannot be read, or has an unknown key or a wrong value.
        """
        settings = cls(**_checked(_table(os.path.join(root, "pyproject.toml"))))
        if KEEP_VARIABLE in os.environ:
            settings.keep = os.environ[KEEP_VARIABLE].strip().lower() not in _FALSE
        return settings


_DEFAULTS = vars(Settings())


def _table(path: str) -> Mapping[str, Any]:
    """Return the backend's table in the pyproject.toml at *path*; empty if there is none."""
    try:
        with open(path, "rb") as file:
            content = file.read()
        table = _toml_parser().loads(content.decode()).get("tool", {}).get("isolated-backend", {})
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


def _checked(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return *table* as arguments for :class:`Settings`."""
    known = {name.replace("_", "-"): name for name in _DEFAULTS}
    arguments: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise SettingsError(
                f"pyproject.toml: [{TABLE}] has no key `{key}`; it knows "
                f"{', '.join(f'`{name}`' for name in known)}."
            )
        wanted = type(_DEFAULTS[known[key]])
        if wanted is float and type(value) is int:
            value = float(value)
        expected = _TYPE_NAMES[wanted] if type(value) is not wanted else _expected(key, value)
        if expected:
            raise SettingsError(
                f"pyproject.toml: `{key}` in [{TABLE}] must be {expected}, not {value!r}."
            )
        arguments[known[key]] = value
    return arguments


def _expected(key: str, value: Any) -> str:
    """Return what the value of *key* has to be, if *value* is not."""
    if key == "in-tree-writes" and value not in IN_TREE_WRITES:
        return f"one of {', '.join(map(repr, IN_TREE_WRITES))}"
    if key == "lock-timeout" and not value >= 0:
        return "a number of seconds that is not negative"
    return ""
