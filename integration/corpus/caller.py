"""Call one hook of a build backend, as a frontend's child process does.

Run by the interpreter of a project's environment, so only the standard library is at hand, as
``python caller.py REQUEST`` in the project root with a JSON object::

    {"backend": "module:object", "path": [...], "ours": bool, "slow": bool,
     "hook": "build_sdist", "arguments": {...}, "outcome": "file"}

An empty hook is not called; the backend is imported only.

The outcome is ``{"result": ...}`` or ``{"error": text}``, and the version of setuptools.

With ``ours`` and ``slow``, our backend works as it does where somebody might look at the steps to
an artifact: it stages and copies every file, and asks setuptools for build requirements.

With ``ours`` and a ``path`` the project brings its own backend. It stays in charge; what it
imported of setuptools' backend is ours from then on.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
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
    found = importlib.import_module(module)
    if request["ours"] and request["slow"]:
        take_no_short_cuts()
    if request["ours"] and request["path"] and not module.startswith("isolated_backend"):
        substitute(request["path"])
    for name in filter(None, attribute.split(".")):
        found = getattr(found, name)
    return found


def take_no_short_cuts() -> None:
    """Have our backend take none of the ways around staging, copying and setuptools.

    Raises:
        AttributeError: it has no such ways any more, or they are called otherwise.
    """
    for module, name, answer in (
        ("requirements", "known", None),
        ("redirect.sdist", "_unseen", []),
        ("redirect.wheel", "_is_made_by_setuptools_alone", False),
    ):
        holder = importlib.import_module(f"isolated_backend.{module}")
        getattr(holder, name)
        setattr(holder, name, lambda *_, answer=answer: answer)


def substitute(path: list[str]) -> None:
    """Replace what the modules of *path* have of setuptools' backend by what we have."""
    theirs = importlib.import_module("setuptools.build_meta")
    ours = importlib.import_module("isolated_backend")
    counterparts = {id(theirs): ours, id(theirs.__legacy__): ours.__legacy__}
    for name in ours.__all__:
        counterparts[id(getattr(theirs, name))] = getattr(ours, name)
    replaced = 0
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None) or ""
        if not any(file.startswith(os.path.abspath(entry) + os.sep) for entry in path):
            continue
        for name, value in list(vars(module).items()):
            if id(value) in counterparts:
                setattr(module, name, counterparts[id(value)])
                replaced += 1
    if not replaced:
        raise SystemExit(NOT_WRAPPED)


if __name__ == "__main__":
    main()
