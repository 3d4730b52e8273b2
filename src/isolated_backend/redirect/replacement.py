"""Putting functions of ours in the place of setuptools', and taking them back."""

from __future__ import annotations

import functools
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import RedirectError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence
    from typing import TypeAlias

    from ..shadow import Shadow

    Method: TypeAlias = Callable[..., Any]
    Factory: TypeAlias = Callable[[Shadow, Method], Method]


#: The packages that are setuptools' own.
SETUPTOOLS = ("setuptools", "distutils", "wheel")


class Replacement(NamedTuple):
    """What is replaced, when, and what makes the replacement."""

    module: str
    owner: str
    name: str
    hooks: Sequence[str]
    optional: bool
    factory: Factory


class Replacements(list[Replacement]):
    """The replacements of one module, which registers them with this as a decorator."""

    def __call__(
        self,
        module: str,
        owner: str,
        name: str,
        *,
        hooks: Sequence[str] = (),
        optional: bool = False,
    ) -> Callable[[Factory], Factory]:
        """Register what replaces the attribute *name* of ``module.owner`` (of *module* if empty).

        Args:
            module: by the name it is imported by.
            owner: a class in it.
            name: of a method or function.
            hooks: do so in these hooks only.
            optional: it saves time, and a setuptools that has not got it works as well.
        """

        def register(factory: Factory) -> Factory:
            self.append(Replacement(module, owner, name, hooks, optional, factory))
            return factory

        return register


def put_in_place(replacement: Replacement, shadow: Shadow) -> Callable[[], None]:
    """Put *replacement* in place for *shadow*; return what takes it back."""
    module, owner, name, _, optional, factory = replacement
    try:
        holder: Any = import_module(module)
        holder = getattr(holder, owner) if owner else holder
        original = getattr(holder, name)
    except (ImportError, AttributeError):
        if optional:
            return lambda: None
        import setuptools

        where = ".".join(part for part in (module, owner, name) if part)
        raise RedirectError(
            f"setuptools {setuptools.__version__} has no {where}, which isolated-backend has to "
            "redirect; use another version of setuptools, and please report this."
        ) from None
    substitute = factory(shadow, original)

    @functools.wraps(original)
    def method(*args: Any, **kwargs: Any) -> Any:
        # A plugin may have kept this function beyond the call; then it is the original's turn.
        return (substitute if shadow.open else original)(*args, **kwargs)

    own = name in vars(holder)
    before = vars(holder).get(name)
    setattr(holder, name, method)

    def undo() -> None:
        if vars(holder).get(name) is method:
            if own:
                setattr(holder, name, before)
            else:
                delattr(holder, name)

    return undo


def is_setuptools_own(holder: Any, *names: str) -> bool:
    """Tell whether the functions *names* of *holder*, an object or a module, are setuptools' own.

    Those are not that a project or a plugin has overridden or replaced.
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
