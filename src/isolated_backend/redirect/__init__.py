"""Make setuptools write to the shadow. The only package that knows its insides.

Each replacement is one small function with the method it replaces in its decorator and the reason
in its docstring. It is made for one shadow and one original, and is in place while
:func:`redirected` is open. All of them sit at the base of a class hierarchy, so that what a
project overrides, and calls with ``super()``, goes on working.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module

from .installed import load

TYPE_CHECKING = False  # without `typing`: see hooks.py
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..shadow import Shadow
    from .replacement import Replacement

__all__ = ["load", "redirected"]

#: The modules with the replacements for every hook, and for one alone.
_FOR_ALL = ("plugins", "directories", "metadata", "filelist", "files", "sdist")
_FOR_ONE = {"build_wheel": ("wheel", "extensions"), "build_editable": ("editable", "extensions")}


@contextmanager
def redirected(shadow: Shadow, hook: str) -> Iterator[None]:
    """Redirect what setuptools writes in the root to *shadow* while this is open.

    Args:
        shadow: where to.
        hook: the hook that is to be called.

    Raises:
        RedirectError: this setuptools has not got what has to be replaced.
    """
    from .directories import forget_made_directories, temporary_files_in
    from .imports import garbage_kept
    from .replacement import put_in_place

    undo: list[Callable[[], None]] = []
    forget_made_directories()
    try:
        with garbage_kept():
            for replacement in _replacements(hook):
                # one by one: if the next fails, this one still has to be undone
                undo.append(put_in_place(replacement, shadow))  # noqa: PERF401
        with temporary_files_in(shadow):
            yield
    finally:
        shadow.open = False
        for step in reversed(undo):
            step()
        forget_made_directories()


def _replacements(hook: str) -> Iterator[Replacement]:
    """Yield what is to be replaced for *hook*."""
    for name in (*_FOR_ALL, *_FOR_ONE.get(hook, ())):
        for replacement in import_module(f"{__name__}.{name}").replaces:
            if not replacement.hooks or hook in replacement.hooks:
                yield replacement
