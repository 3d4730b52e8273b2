"""pyproject.toml: read and checked, and edited so that all else stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import tomlkit
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array, String, Table

from .errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Pyproject:
    """A pyproject.toml.

    Attributes:
        path: where it is.
        content: its bytes, or ``None`` if there is no such file.
    """

    path: Path
    content: bytes | None

    @classmethod
    def read(cls, root: Path) -> Pyproject:
        """Read the one of the project in *root*.

        Raises:
            CommandError: it cannot be read.
        """
        path = root / "pyproject.toml"
        try:
            return cls(path, path.read_bytes())
        except FileNotFoundError:
            return cls(path, None)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error

    def document(self) -> tomlkit.TOMLDocument:
        """Return what it holds, to be edited at will.

        Raises:
            CommandError: it is not valid TOML.
        """
        content = self.content or b""
        if content.startswith(_BYTE_ORDER_MARK):
            raise CommandError(
                f"{self.path} begins with a byte order mark, and so is not valid TOML: "
                "no frontend reads it; save it without one."
            )
        try:
            return tomlkit.parse(content.decode())
        except (TOMLKitError, UnicodeDecodeError) as error:
            raise CommandError(f"{self.path} is not valid TOML: {error}.") from error

    @cached_property
    def table(self) -> dict[str, Any]:
        """The whole content as plain Python objects.

        Raises:
            CommandError: it is not valid TOML.
        """
        return dict(self.document().unwrap())

    @cached_property
    def build_system(self) -> dict[str, Any]:
        """The table ``build-system``, checked; empty if there is none.

        Raises:
            CommandError: it says what it cannot say.
        """
        table = self.table.get("build-system")
        if table is None:
            return {}
        if not isinstance(table, dict):
            raise CommandError(f"{self.path}: `build-system` must be a table.")
        if not _is_list_of_strings(table.get("requires")):
            raise CommandError(
                f"{self.path}: `requires` in [build-system] must be a list of strings."
            )
        if not isinstance(table.get("build-backend", ""), str):
            raise CommandError(f"{self.path}: `build-backend` in [build-system] must be a string.")
        return table

    def requirement(self, text: str) -> Requirement:
        """Return the requirement that *text*, from this file, is.

        Raises:
            CommandError: it is none.
        """
        try:
            return Requirement(text)
        except InvalidRequirement as error:
            reason = str(error).partition("\n")[0]
            raise CommandError(f"{self.path}: {text!r} is no requirement: {reason}.") from error

    def requires(self, distribution: str) -> list[Requirement]:
        """Return the build requirements for the canonical name *distribution*.

        Raises:
            CommandError: one of the build requirements is none.
        """
        found = map(self.requirement, self.build_system.get("requires", ()))
        return [each for each in found if canonicalize_name(each.name) == distribution]

    def adopting(
        self, backend: str, requirements: Sequence[str], backend_path: str | None = None
    ) -> bytes:
        """Return the content that names *backend*, with everything else as it is.

        Comments, order, quotes, line endings and a missing end of the last line are kept.

        Args:
            backend: the value of ``build-backend``.
            requirements: what to add to ``requires``.
            backend_path: the only value of ``backend-path``, if that is to be set.

        Raises:
            CommandError: the file is written in a way that cannot be edited.
        """
        before = (self.content or b"").decode()
        document = self.document()
        values: dict[str, Any] = {"build-backend": backend}
        if backend_path is not None:
            values["backend-path"] = [backend_path]
        if "build-system" in document:
            _edit(document["build-system"], requirements, values)
            text = tomlkit.dumps(document)
        else:
            text = before and before + ("\n" if before.endswith("\n") else "\n\n")
            text += tomlkit.dumps({"build-system": {"requires": [*requirements], **values}})
        content = _in_the_style_of(before, text).encode()
        self._verify(content, requirements, values)
        return content

    def _verify(self, content: bytes, requirements: Sequence[str], values: dict[str, Any]) -> None:
        """Refuse *content* if anything else in it than what was asked for is new."""
        found = Pyproject(self.path, content).table
        requires = [*self.build_system.get("requires", ()), *requirements]
        wanted = {**self.build_system, "requires": requires, **values}
        # As text, because a number that is none is not equal to itself.
        if found.pop("build-system") != wanted or repr(found) != repr(
            {key: value for key, value in self.table.items() if key != "build-system"}
        ):
            raise CommandError(
                f"{self.path} cannot be edited without changing more than its [build-system]; "
                "edit it by hand."
            )


def _is_list_of_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _edit(table: Any, requirements: Sequence[str], values: dict[str, Any]) -> None:
    """Add *requirements* to the ``requires`` of *table*, and set *values* in it."""
    array: Array = table["requires"]
    literal = bool(array) and array[0].as_string().startswith("'")
    for requirement in requirements:
        array.append(tomlkit.string(requirement, literal=literal))
    for key, value in values.items():
        item = tomlkit.item(value)
        if isinstance(item, String):
            item = tomlkit.string(item, literal=literal)
        if key in table or not isinstance(table, Table):
            table[key] = item
        else:
            _insert(table, key, item)


def _insert(table: Table, key: str, item: Any) -> None:
    """Put *item* on the line after ``build-backend``, or after ``requires``.

    At its end a table may have comments that are about the next one.
    """
    body = table.value.body
    places = {name.key: index for index, (name, _) in enumerate(body) if name}
    index = places.get("build-backend", places["requires"])
    trivia = body[index][1].trivia
    trivia.trail = trivia.trail or "\n"
    item.trivia.indent, item.trivia.trail = trivia.indent, "\n"
    body.insert(index + 1, (tomlkit.key(key), item))


def _in_the_style_of(before: str, text: str) -> str:
    """Return *text* with the line endings of *before*, the missing one of its last line, too."""
    if "\r\n" in before and "\n" not in before.replace("\r\n", ""):
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    if before and not before.endswith("\n"):
        text = text.rstrip("\r\n")
    return text
