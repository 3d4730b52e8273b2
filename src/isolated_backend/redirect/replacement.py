"""Putting functions of ours in the place of setuptools', and taking them back."""

from __future__ import annotations

import functools
from contextlib import ExitStack, contextmanager
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator
    from typing import TypeAlias

    from ..call import Call

    Method: TypeAlias = Callable[..., Any]

#: The packages that are setuptools' own, and the module by which a distributor adapts it.
SETUPTOOLS = ("setuptools", "distutils", "wheel", "_distutils_system_mod")


class Replacement(NamedTuple):
    """What is called, with call and original, for *name* of *owner* (if any) in *module*."""

    module: str
    owner: str
    name: str
    function: Method

    def __str__(self) -> str:
        return ".".join(filter(None, (self.module, self.owner, self.name)))


class Replacements(list[Replacement]):
    """A decorator, and what it has been used on: replacements for *hooks*, or all if none."""

    def __init__(self, *hooks: str) -> None:
        self.hooks = hooks

    def __call__(self, module: str, owner: str, name: str) -> Callable[[Method], Method]:
        """Register a function as the :class:`Replacement` of something."""

        def register(function: Method) -> Method:
            self.append(Replacement(module, owner, name, function))
            return function

        return register


@contextmanager
def put_in_place(group: Replacements, call: Call, *, optional: bool = False) -> Iterator[None]:
    """Replace what *group* names while this is open; if *optional*, all of it or nothing."""
    with ExitStack() as placed:
        if not group.hooks or call.hook in group.hooks:
            for replacement, holder in _with_holders(group, optional=optional):
                placed.enter_context(_replaced(holder, replacement, call))
        yield


def _with_holders(group: Replacements, *, optional: bool) -> list[tuple[Replacement, Any]]:
    """Return each replacement of *group* with the module or class whose attribute it replaces."""
    found = []
    for replacement in group:
        try:
            holder = resolve_name(f"{replacement.module}:{replacement.owner}")
            getattr(holder, replacement.name)
        except (ImportError, AttributeError):
            if optional:
                return []
            import setuptools

            raise BackendError(
                f"setuptools {setuptools.__version__} has no {replacement}, which isolated-backend "
                "has to redirect; use another version of setuptools, and please report this."
            ) from None
        found.append((replacement, holder))
    return found


@contextmanager
def _replaced(holder: Any, replacement: Replacement, call: Call) -> Iterator[None]:
    """Have one attribute of *holder* replaced while this is open."""
    name = replacement.name
    original = getattr(holder, name)

    @functools.wraps(original)
    def method(*args: Any, **kwargs: Any) -> Any:
        if not call.is_open:  # a plugin may have kept this function beyond the call
            return original(*args, **kwargs)
        return replacement.function(call, original, *args, **kwargs)

    inherited = name not in vars(holder)
    before = vars(holder).get(name)
    setattr(holder, name, method)
    try:
        yield
    finally:
        if vars(holder).get(name) is method:
            if inherited:
                delattr(holder, name)
            else:
                setattr(holder, name, before)


def is_setuptools_own(holder: Any, *names: str) -> bool:
    """Tell whether no project or plugin has overridden or replaced functions of *holder*."""
    return is_own(SETUPTOOLS, holder, *names)


def is_own(packages: Container[str], holder: Any, *names: str) -> bool:
    """Tell whether the functions *names* of *holder* are those of one of *packages*."""
    for name in names:
        function = getattr(holder, name)
        function = getattr(function, "__func__", function)
        while getattr(function, "__globals__", None) is globals():
            function = function.__wrapped__
        of_module = getattr(function, "__globals__", None) or {"__name__": "builtins"}
        if of_module.get("__name__", "").partition(".")[0] not in packages:
            return False
    return True
