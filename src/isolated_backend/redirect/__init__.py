"""Make setuptools write to the shadow. The only package of the core that knows its insides.

Each replacement is one small function with the method it replaces in its decorator and the reason
in its docstring. All of them sit at the base of a class hierarchy, so that what a project
overrides, and calls with ``super()``, goes on working.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from .installed import load
from .replacement import put_in_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..call import Call
    from .replacement import Replacements

__all__ = ["load", "redirected"]


@contextmanager
def redirected(call: Call, shortcuts: Sequence[Replacements] = ()) -> Iterator[None]:
    """Redirect what setuptools writes in the source tree to the shadow while this is open."""
    # Not at the top: build requirements are mostly known without them.
    from . import compiler, directories, editable, filelist, files, sdist, vanished

    try:
        with ExitStack() as placed:
            for module in (directories, compiler, filelist, vanished, files, sdist, editable):
                placed.enter_context(put_in_place(module.replaces, call))
            for group in (directories.replaces_if_there, *shortcuts):
                placed.enter_context(put_in_place(group, call, optional=True))
            yield
    finally:
        call.is_open = False
