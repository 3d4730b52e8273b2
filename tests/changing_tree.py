"""Call a hook in this process, and change the source tree between two of its system calls.

Run as ``python changing_tree.py REQUEST`` with a JSON object::

    {"backend": "module", "root": "dir", "hook": "build_sdist", "out": "dir",
     "change": "rename", "package": "dir", "at": 17}

where ``at`` is the number of the call to the file system just before which it changes, counted from
the call of the hook. Prints a JSON list: how many there were, the hook's result, and its error.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

#: The modules with the functions that call the file system.
_SYSTEM = {"posix", "nt", "io", "_io"}


def rename(package: Path) -> None:
    package.rename(package.parents[2] / "away")


def remove(package: Path) -> None:
    shutil.rmtree(package)


def stash(package: Path) -> None:
    subprocess.run(["git", "stash", "-q", "-u"], cwd=package.parents[1], check=True)


def rewrite(package: Path) -> None:
    for path in package.iterdir():
        path.write_text(f"{path.read_text()}changed = True\n")


CHANGES = {change.__name__: change for change in (rename, remove, stash, rewrite)}


def main() -> None:
    request = json.loads(sys.argv[1])
    os.chdir(request["root"])
    backend = importlib.import_module(request["backend"])
    importlib.import_module("setuptools.build_meta")
    calls = 0

    def count(frame: FrameType, event: str, called: Any) -> None:
        nonlocal calls
        if event == "c_call" and getattr(called, "__module__", None) in _SYSTEM:
            calls += 1
            if calls == request["at"]:  # to end the profile here would crash PyPy
                CHANGES[request["change"]](Path(request["package"]))

    result, message = "", ""
    directory = request["hook"].replace("build_", "") + "_directory"
    sys.setprofile(count)
    try:
        result = getattr(backend, request["hook"])(**{directory: request["out"]})
    except (Exception, SystemExit) as error:
        message = str(error) or type(error).__name__
    sys.setprofile(None)
    print("\n" + json.dumps([calls, result, message]))


if __name__ == "__main__":
    main()
