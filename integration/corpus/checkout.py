"""A git checkout made of a published sdist, as a developer has it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from .errors import CorpusError, first_error_line
from .project import is_own_write

if TYPE_CHECKING:
    from .project import Project
    from .sdist import Sdist

#: What earlier builds and git-ignored tools leave in a checkout. Nothing in ``build/lib``: what
#: setuptools finds there it ships, which we on purpose do not.
_LEFTOVERS = ("build/temp.stale/stale.o", "build/bdist.stale/stale.txt", "dist/stale-0.tar.gz")

_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", "nobody"),
        ("EMAIL", "nobody@example.org"),
        ("DATE", "2024-03-01T00:00:00Z"),
    )
}


@dataclass(frozen=True)
class Checkout:
    """The sdist of *project* without what setuptools put into it, committed and tagged.

    Args:
        project: the project.
        sdist: its sdist.
        pristine: the directory to keep the first copy in.
    """

    project: Project
    sdist: Sdist
    pristine: Path
    form: ClassVar[str] = "checkout"

    @property
    def version(self) -> str:
        """The version that is tagged."""
        return self.sdist.version

    def unpack(self, parent: Path) -> Path:
        """Put a fresh copy below *parent*, which is emptied before, and return its root.

        Raises:
            CorpusError: git fails.
        """
        if not self.pristine.exists():
            self._commit()
        shutil.rmtree(parent, ignore_errors=True)
        shutil.copytree(self.pristine, parent, symlinks=True)
        (root,) = parent.iterdir()
        return root

    def _commit(self) -> None:
        """Make the first copy."""
        passing = self.pristine.with_name(f".{self.pristine.name}.new")
        root = self.sdist.unpack(passing)
        (root / "PKG-INFO").unlink(missing_ok=True)
        for path in [*root.glob("*.egg-info"), *root.glob("*/*.egg-info")]:
            shutil.rmtree(path)
        for path in list(root.rglob("*")):
            if is_own_write(path.relative_to(root).as_posix(), self.project.writes):
                path.unlink()
        _git(root, "init", "--quiet", "--initial-branch=main")
        # A copy has other inodes and change times; git must not take that for a modification,
        # and write its index anew while it is only asked for a description.
        _git(root, "config", "core.checkStat", "minimal")
        _git(root, "config", "core.trustctime", "false")
        ignored = ["/build/", "/dist/", *(f"/{pattern}" for pattern in self.project.writes)]
        (root / ".git/info/exclude").write_text("\n".join(ignored) + "\n", encoding="utf-8")
        _git(root, "add", "--all")
        _git(root, "commit", "--quiet", "--no-gpg-sign", "--message", "Import")
        _git(root, "tag", self.version)
        for name in _LEFTOVERS:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("left by an earlier build\n", encoding="utf-8")
        passing.rename(self.pristine)


def _git(root: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        env=os.environ | _IDENTITY | {"GIT_CONFIG_GLOBAL": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CorpusError(f"git {arguments[0]} fails: {first_error_line(done.stderr)}")
