"""Putting functions of ours in the place of setuptools', and taking them back."""

from __future__ import annotations

import functools
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import RedirectError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator
    from typing import TypeAlias

    from ..call import Call

    Method: TypeAlias = Callable[..., Any]


#: The packages that are setuptools' own.
SETUPTOOLS = ("setuptools", "distutils", "wheel")


class Replacement(NamedTuple):
    """What is replaced, and what makes the replacement."""

    module: str
    owner: str
    name: str
    function: Method

    def target(self) -> tuple[Any, Any]:
        """Return the module or class whose attribute is replaced, and the attribute.

        Raises:
            ImportError: there is no such module.
            AttributeError: there is no such attribute.
        """
        holder: Any = import_module(self.module)
        if self.owner:
            holder = getattr(holder, self.owner)
        return holder, getattr(holder, self.name)

    def __str__(self) -> str:
        return ".".join(filter(None, (self.module, self.owner, self.name)))


class Replacements(list[Replacement]):
    """The replacements of one module, which registers them with this as a decorator.

    Args:
        *hooks: the hooks that they are for; all, if empty.
    """

    def __init__(self, *hooks: str) -> None:
        self.hooks = hooks

    def __call__(self, module: str, owner: str, name: str) -> Callable[[Method], Method]:
        """Register what replaces the attribute *name* of ``module.owner`` (of *module* if empty).

        Args:
            module: the name that it is imported by.
            owner: a class in it.
            name: of a method or function.
        """

        def register(function: Method) -> Method:
            self.append(Replacement(module, owner, name, function))
            return function

        return register


@contextmanager
def put_in_place(group: Replacements, call: Call, *, optional: bool = False) -> Iterator[None]:
    """Have the replacements of *group* in place for *call* while this is open.

    Args:
        group: all of them, or none.
        call: the call of the hook.
        optional: do without the group where setuptools lacks one of its targets.

    Raises:
        RedirectError: setuptools lacks a target of a group that is not optional.
    """
    with ExitStack() as placed:
        if not group.hooks or call.hook in group.hooks:
            for replacement, holder, original in _targets(group, optional=optional):
                placed.enter_context(_replaced(holder, replacement, original, call))
        yield


def _targets(group: Replacements, *, optional: bool) -> list[tuple[Replacement, Any, Any]]:
    """Return each replacement of *group* with its target; nothing if not all are there."""
    found = []
    for replacement in group:
        try:
            target = replacement.target()
        except (ImportError, AttributeError):
            if optional:
                return []
            raise _missing(replacement) from None
        found.append((replacement, *target))
    return found


def _missing(replacement: Replacement) -> RedirectError:
    import setuptools

    return RedirectError(
        f"setuptools {setuptools.__version__} has no {replacement}, which isolated-backend has to "
        "redirect; use another version of setuptools, and please report this."
    )


@contextmanager
def _replaced(holder: Any, replacement: Replacement, original: Any, call: Call) -> Iterator[None]:
    """Have one attribute of *holder* replaced while this is open."""
    name = replacement.name

    @functools.wraps(original)
    def method(*args: Any, **kwargs: Any) -> Any:
        if not call.is_open:  # a plugin may have kept this function beyond the call
            return original(*args, **kwargs)
        return replacement.function(call, original, *args, **kwargs)

    own = name in vars(holder)
    before = vars(holder).get(name)
    setattr(holder, name, method)
    try:
        yield
    finally:
        if vars(holder).get(name) is method:
            if own:
                setattr(holder, name, before)
            else:
                delattr(holder, name)


def is_setuptools_own(holder: Any, *names: str) -> bool:
    """Tell whether the functions *names* of *holder*, an object or a module, are setuptools' own.

    A function that a project or a plugin has overridden or replaced is not.
    """
    return is_own(SETUPTOOLS, holder, *names)


def is_own(packages: Container[str], holder: Any, *names: str) -> bool:
    """Tell whether the functions *names* of *holder* are those of one of *packages*."""
    for name in names:
        function = getattr(holder, name)
        function = getattr(function, "__func__", function)
        while getattr(function, "__globals__", None) is globals():
            function = function.__wrapped__
        module = getattr(function, "__globals__", {}).get("__name__", "")
        if module.partition(".")[0] not in packages:
            return False
    return True
