"""What has been changed in a project to adopt isolated_backend: all that it takes to undo it.

It is kept in the user's own directory of state, and not in the project, where it would be shipped.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import CommandError
from .rewrite import rewrite

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Adoption:
    """What has been changed in one project.

    Attributes:
        root: the project root, a real path.
        before: what pyproject.toml held; ``None`` if there was none.
        written: when it was last written before, in nanoseconds.
        after: the digest of what it holds now.
        directories: those that were made for the backend, the outermost first.
        vendored: the digests of the files in them, by path relative to the root.
    """

    root: Path
    before: bytes | None
    written: int
    after: str
    directories: list[str] = field(default_factory=list)
    vendored: Mapping[str, str] = field(default_factory=dict)

    def keep(self) -> None:
        """Keep it, instead of what was kept for this root before.

        Raises:
            CommandError: it cannot be kept.
        """
        path = _path(self.root)
        before = None if self.before is None else base64.b64encode(self.before).decode()
        record = {
            "root": str(self.root),
            "before": before,
            "written": self.written,
            "after": self.after,
            "directories": self.directories,
            "vendored": self.vendored,
        }
        if self.root in path.parents:
            raise CommandError(
                f"{path.parent}, which has to hold what `--undo` needs, is inside of the project; "
                f"set {_VARIABLE} to a directory that is not."
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            rewrite(path, json.dumps(record).encode(), mode=0o600)
        except OSError as error:
            raise CommandError(
                f"What `--undo` needs cannot be kept in {path.parent}: {error.strerror}; "
                f"set {_VARIABLE} to a directory that can be written."
            ) from error

    def forget(self) -> None:
        """Keep it no longer."""
        _path(self.root).unlink(missing_ok=True)

    @classmethod
    def kept(cls, root: Path) -> Adoption | None:
        """Return what is kept for *root*; ``None`` if nothing is.

        Raises:
            CommandError: it cannot be read.
        """
        path = _path(root)
        try:
            record = json.loads(path.read_bytes())
            before = record["before"]
            return cls(
                Path(record["root"]),
                None if before is None else base64.b64decode(before),
                record["written"],
                record["after"],
                record["directories"],
                record["vendored"],
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CommandError(f"{path} cannot be read: {error}.") from error


def digest(content: bytes | None) -> str:
    """Return what stands for *content*, or for no file at all."""
    return "" if content is None else hashlib.sha256(content).hexdigest()


_VARIABLE = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_STATE_HOME"


def _path(root: Path) -> Path:
    """Return where to keep what has been changed in *root*."""
    # By the XDG specification, a relative path does not count.
    state = os.environ.get(_VARIABLE, "")
    if not os.path.isabs(state):
        default = "AppData/Local" if sys.platform == "win32" else ".local/state"
        state = os.path.join(os.path.expanduser("~"), default)
    return Path(state, "isolated-backend", "adopted", f"{digest(os.fsencode(root))}.json")
