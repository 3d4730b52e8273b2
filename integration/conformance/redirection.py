"""The redirection around code that knows nothing of it: of whatever root it works in.

This runs in the environment of setuptools' tests and needs nothing but isolated_backend.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import setuptools

from isolated_backend import redirect
from isolated_backend.call import Call
from isolated_backend.settings import Settings
from isolated_backend.shadow.paths import Shadow
from isolated_backend.shadow.temporary import PREFIX

#: What setuptools would leave in the root stays in the shadow, as in a hook.
REDIRECTED = "redirected"

#: The same, but what a command has made in the shadow is then copied to where setuptools would
#: have made it: a test that fails before and passes now looked at the place, and at nothing else.
LAID_OVER = "laid over"

#: No redirection at all: the control.
PLAIN = "plain"


class Redirection:
    """Redirects the commands that run in the current directory, wherever it is changed to.

    Args:
        mode: :data:`REDIRECTED` or :data:`LAID_OVER`.
        hook: the hook that they are redirected for.
    """

    def __init__(self, mode: str, hook: str = "build_wheel") -> None:
        self._hook = hook
        self._lays_over = mode == LAID_OVER
        self._shadow: Shadow | None = None
        self._redirected = ExitStack()
        self._taken = ExitStack()
        self._depth = 0

    def __enter__(self) -> None:
        self._replace(os, "chdir", self._chdir)
        self._replace(setuptools.Command.__base__, "__init__", self._command)
        self._open()

    def __exit__(self, *_: object) -> None:
        self._close()
        self._taken.close()

    def _replace(self, holder: Any, name: str, factory: Callable[[Any], Any]) -> None:
        original = getattr(holder, name)
        setattr(holder, name, factory(original))
        self._taken.callback(setattr, holder, name, original)

    def _open(self) -> None:
        place = tempfile.mkdtemp(prefix=PREFIX)
        self._shadow = Shadow(os.getcwd(), place, tempfile.gettempdir())
        call = Call("setuptools.build_meta", self._hook, Settings(), self._shadow)
        self._redirected.callback(shutil.rmtree, place)
        self._redirected.enter_context(redirect.redirected(call))

    def _close(self) -> None:
        self._lay_over()
        self._redirected.close()
        self._shadow = None

    def _chdir(self, original: Any) -> Any:
        """Begin with a new shadow in another directory, unless a command just passes there."""

        def chdir(path: Any) -> None:
            if self._depth:
                original(path)
                return
            self._close()
            try:
                original(path)
            finally:
                self._open()

        return chdir

    def _command(self, original: Any) -> Any:
        """Lay the shadow over the root when a command is done that no other one has called."""

        def initialize(command: Any, *args: Any) -> None:
            original(command, *args)
            run = command.run

            def run_and_lay_over() -> None:
                self._depth += 1
                try:
                    run()
                finally:
                    self._depth -= 1
                    if not self._depth:
                        self._lay_over()

            command.run = run_and_lay_over

        return initialize

    def _lay_over(self) -> None:
        """Copy the shadow's files to where they would be, with their times and the directories'."""
        if not self._lays_over or self._shadow is None or not os.path.isdir(self._shadow.root):
            return
        slot, root = self._shadow.slot, self._shadow.root
        for directory, _, files in os.walk(slot, topdown=False):
            target = os.path.join(os.sep, os.path.relpath(directory, slot))
            was_there = os.path.isdir(target)
            os.makedirs(target, exist_ok=True)
            for file in files:
                shutil.copy2(os.path.join(directory, file), os.path.join(target, file))
            if not was_there or files or target.startswith(os.path.join(root, "")):
                shutil.copystat(directory, target)
