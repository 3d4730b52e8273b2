"""Call hooks of a build backend in this process, as a frontend's child process does.

Run as ``python call_hooks.py REQUEST`` with a JSON object::

    {"backend": "module:object", "pristine": "dir" or null, "tree": "dir", "root": "dir",
     "calls": [{"hook": "build_sdist", "arguments": {...}}, ...],
     "variables": {...}, "umask": 18}

where ``variables`` and ``umask`` are for the calls on a ``pristine`` project, and may be missing.
Without arguments it reads one request from each line of its input, for as long as there are any.

With ``pristine``, ``tree`` is made anew from it before each call, and each has a process of
its own: setuptools remembers which directories it has made, and would not make them again.
``root`` is ``tree`` or lies below it.

Prints one JSON list of results:
``{"result": ...}`` or ``{"error": type, "message": text}``, and with ``pristine`` the paths in
the tree that the call has ``changed`` and the lines in which it has ``warned``: those of its
standard error stream.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from snapshot import snapshot


def main() -> None:
    sys.path.remove(os.path.dirname(os.path.abspath(__file__)))
    for line in sys.argv[1:] or sys.stdin:
        print("\n" + json.dumps(answer(json.loads(line))), flush=True)


def answer(request: dict[str, Any]) -> list[dict[str, Any]]:
    if request["pristine"]:
        import setuptools.build_meta  # noqa: F401 - once, for all the children
    results = []
    for call in request["calls"]:
        if request["pristine"]:
            shutil.rmtree(request["tree"], ignore_errors=True)
            shutil.copytree(request["pristine"], request["tree"], symlinks=True)
            before = snapshot(Path(request["tree"]))
            result = in_a_child(request, call)
            after = snapshot(Path(request["tree"]))
            result["changed"] = sorted(
                name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
            )
            results.append(result)
        else:
            results.append(one(request, call))
    return results


def one(request: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
    os.chdir(request["root"])
    module, _, attribute = request["backend"].partition(":")
    backend = importlib.import_module(module)
    if attribute:
        backend = getattr(backend, attribute)
    try:
        return {"result": getattr(backend, call["hook"])(**call["arguments"])}
    except (Exception, SystemExit) as error:
        return {"error": type(error).__name__, "message": str(error)}


def in_a_child(request: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    sys.stdout.flush()
    with tempfile.TemporaryFile("w+") as errors:
        if os.fork() == 0:
            os.dup2(errors.fileno(), 2)
            os.environ.update(request.get("variables", {}))
            if "umask" in request:
                os.umask(request["umask"])
            with open(writing, "w") as pipe:
                json.dump(one(request, call), pipe)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
        os.close(writing)
        with open(reading) as pipe:
            result: dict[str, Any] = json.loads(pipe.read())
        os.wait()
        errors.seek(0)
        warned = errors.read()
    sys.stderr.write(warned)
    return result | {"warned": warned.splitlines()}


if __name__ == "__main__":
    main()
