"""``isolated-backend status``: who is building where."""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from ..messages import visible
from ..writers.holders import describe, holders
from ..writers.treelock import is_announced, opened
from . import shadows
from .shadows import counted, owner

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .shadows import Shadow


def command(*, as_json: bool) -> int:
    """Show the shadows, and who holds the trees that they are of; return the exit status.

    Raises:
        CommandError: there is no directory for temporary files.
    """
    temporary = shadows.temporary()
    # An idle and empty one is no more than a number that is free.
    found = [s for s in shadows.visible(temporary) if s.state != "idle" or s.size]
    trees = _trees(found)
    if as_json:
        print(json.dumps(_plain(temporary, found, trees), indent=2))
    else:
        _show(temporary, found, trees, Console(highlight=False))
    return 0


@dataclass(frozen=True)
class Tree:
    """A project root in which builds are at work.

    Attributes:
        root: where it is.
        holders: which processes hold it, as far as the kernel tells, and whether each writes.
        is_awaited: whether a writer waits for it.
    """

    root: str
    holders: dict[int, bool]
    is_awaited: bool

    @classmethod
    def of(cls, root: str) -> Tree:
        """Look at the tree in *root* without holding it.

        Raises:
            OSError: there is no such tree.
        """
        descriptor = opened(root)
        try:
            return cls(root, holders(descriptor), is_announced(descriptor))
        finally:
            os.close(descriptor)


def _trees(found: Iterable[Shadow]) -> list[Tree]:
    """Return the trees that those of the shadows *found* are of that are in use."""
    roots = {each.tenant.root for each in found if each.tenant and each.state == "in use"}
    trees = []
    for root in sorted(roots):
        with suppress(OSError, ValueError):  # it is another user's, or gone, or no path at all
            if _is_tree(root):
                trees.append(Tree.of(root))
    return trees


def _is_tree(root: str) -> bool:
    """Tell whether *root*, which may be any path, is a tree: to open a device can change it."""
    try:
        return stat.S_ISREG(os.stat(os.path.join(root, "pyproject.toml")).st_mode)
    except FileNotFoundError:
        return os.path.isdir(root)


# --- for a person -------------------------------------------------------------------------------


def _show(temporary: str, found: list[Shadow], trees: list[Tree], console: Console) -> None:
    if found:
        console.print(_table(temporary, found))
    for tree in trees:
        for line in _holders(tree):
            console.print(_text(line), soft_wrap=True)
    in_use = sum(each.state == "in use" for each in found)
    console.print(_text(f"{counted(in_use, 'shadow')} in use in {temporary}."), soft_wrap=True)
    if any(each.state == "idle" for each in found):
        console.print("Killed builds have left files; `isolated-backend clean` removes them.")


def _text(text: str) -> Text:
    """Return *text*, which may be another user's, without markup or control characters."""
    return Text(visible(text))


def _table(temporary: str, found: list[Shadow]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("shadow", "state", "user", "process", "hook", "project"):
        table.add_column(name, overflow="fold")
    table.add_column("size", justify="right")
    for each in found:
        tenant = each.tenant
        table.add_row(
            _text(os.path.relpath(each.path, temporary)),
            Text(each.state, style="bold" if each.state == "in use" else ""),
            _text(each.user),
            str(tenant.pid) if tenant and each.state == "in use" else "",
            _text(tenant.purpose if tenant else ""),
            _text(tenant.root if tenant else ""),
            decimal(each.size),
        )
    return table


def _holders(tree: Tree) -> Iterable[str]:
    for pid, writes in sorted(tree.holders.items()):
        does = "writes into" if writes else "reads"
        yield f"{describe(pid)}, of {_user(pid)}, {does} {tree.root}"
    if tree.is_awaited:
        yield f"a build waits for its turn to write into {tree.root}"


# --- for a program ------------------------------------------------------------------------------


def _plain(temporary: str, found: list[Shadow], trees: list[Tree]) -> dict[str, Any]:
    return {
        "temporary": temporary,
        "shadows": [_plain_shadow(each) for each in found],
        "trees": [
            {
                "root": tree.root,
                "holders": [
                    {"pid": pid, "user": _user(pid), "writing": writes}
                    for pid, writes in sorted(tree.holders.items())
                ],
                "awaited": tree.is_awaited,
            }
            for tree in trees
        ],
    }


def _plain_shadow(shadow: Shadow) -> dict[str, Any]:
    tenant = shadow.tenant
    return {
        "path": str(shadow.path),
        "state": shadow.state,
        "user": shadow.user,
        "pid": tenant.pid if tenant and shadow.state == "in use" else None,
        "hook": tenant.purpose if tenant else None,
        "root": tenant.root if tenant else None,
        "size": shadow.size,
    }


def _user(pid: int) -> str:
    """Return whose the process *pid* is."""
    return owner(Path(f"/proc/{pid}"))
