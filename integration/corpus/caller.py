"""Call one hook of a build backend, as a frontend's child process does.

Run by the interpreter of a project's environment, so only the standard library is at hand, as
``python caller.py REQUEST`` in the project root with a JSON object::

    {"backend": "module:object", "path": [...], "ours": bool, "slow": bool,
     "hook": "build_sdist", "arguments": {...}, "outcome": "file"}

An empty hook is not called; the backend is imported only.

The outcome is ``{"result": ...}`` or ``{"error": text}``, and the version of setuptools.

With ``ours`` and ``slow``, our backend takes no shortcuts.

With ``ours`` and a ``path`` the project brings its own backend. It stays in charge; what it
imports of setuptools' backend is ours.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
import types
from typing import Any

NOT_WRAPPED = "own backend: nothing of setuptools' in it to replace"


def main() -> None:
    """Call the hook and write down what came of it."""
    request = json.loads(sys.argv[1])
    sys.path[0:1] = [os.path.abspath(path) for path in request["path"]]
    sys.argv = sys.argv[:1]
    outcome = {}
    try:
        backend = backend_of(request)
        if request["hook"]:
            outcome["result"] = getattr(backend, request["hook"])(**request["arguments"])
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        outcome["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
    setuptools = sys.modules.get("setuptools")
    outcome["setuptools"] = getattr(setuptools, "__version__", "")
    with open(request["outcome"], "w", encoding="utf-8") as file:
        json.dump(outcome, file)


def backend_of(request: dict[str, Any]) -> Any:
    """Return the backend object to call."""
    module, _, attribute = request["backend"].partition(":")
    if request["ours"] and request["path"] and not module.startswith("isolated_backend"):
        found = imported_on_ours(module, request["path"])
    else:
        found = importlib.import_module(module)
    if request["ours"] and request["slow"]:
        os.environ["ISOLATED_BACKEND_SHORTCUTS"] = "0"
    for name in filter(None, attribute.split(".")):
        found = getattr(found, name)
    return found


class StandIn(types.ModuleType):
    """setuptools' backend for a backend that wraps it: the hooks are ours, all else setuptools'."""

    def __init__(self, theirs: types.ModuleType, ours: types.ModuleType) -> None:
        super().__init__(theirs.__name__)
        self._theirs, self._ours = theirs, ours
        self.is_used = False

    def __getattr__(self, name: str) -> Any:
        if name not in self._ours.__all__:
            return getattr(self._theirs, name)
        self.is_used = True
        return getattr(self._ours, name)


def imported_on_ours(module: str, path: list[str]) -> Any:
    """Import *module*, of a directory in *path*, with our hooks for those of setuptools' backend.

    It may do with them what it likes: have them by another name, decorate them, look them up later.

    Raises:
        SystemExit: it has nothing to do with setuptools' backend.
    """
    theirs = importlib.import_module("setuptools.build_meta")
    stand_in = StandIn(theirs, importlib.import_module("isolated_backend"))
    package = sys.modules["setuptools"]
    sys.modules[theirs.__name__] = package.build_meta = stand_in  # type: ignore[attr-defined]
    try:
        found = importlib.import_module(module)
    finally:
        sys.modules[theirs.__name__] = package.build_meta = theirs  # type: ignore[attr-defined]
    directories = tuple(os.path.join(os.path.abspath(entry), "") for entry in path)
    has_it = any(
        stand_in in vars(other).values()
        for other in list(sys.modules.values())
        if (getattr(other, "__file__", None) or "").startswith(directories)
    )
    if not (stand_in.is_used or has_it):
        raise SystemExit(NOT_WRAPPED)
    return found


if __name__ == "__main__":
    main()
