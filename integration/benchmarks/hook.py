"""Call one hook of a build backend: ``python hook.py BACKEND HOOK ARGUMENTS``.

The arguments are a JSON object. A ``metadata_directory`` for ``build_wheel`` or ``build_editable``
is the one that was passed to ``prepare_metadata_*``; if it was not called, there is none.
"""

from __future__ import annotations

import importlib
import json
import os
import sys


def main() -> None:
    """Call the hook; the current directory is the root."""
    name, hook, text = sys.argv[1:]
    arguments = json.loads(text)
    # As with a frontend's script, neither its own directory nor the root can be imported from.
    del sys.path[0], sys.argv[1:]
    metadata = arguments.get("metadata_directory")
    if metadata and hook.startswith("prepare_"):
        os.mkdir(metadata)
    elif metadata:
        arguments["metadata_directory"] = _dist_info(metadata)
    for key in ("sdist_directory", "wheel_directory"):
        if key in arguments:
            os.makedirs(arguments[key], exist_ok=True)
    module, _, attribute = name.partition(":")
    backend = importlib.import_module(module)
    for part in filter(None, attribute.split(".")):
        backend = getattr(backend, part)
    getattr(backend, hook)(**arguments)


def _dist_info(parent: str) -> str | None:
    """Return the ``.dist-info`` in *parent*, where setuptools leaves an ``.egg-info``, too."""
    if not os.path.isdir(parent):
        return None
    (name,) = (name for name in os.listdir(parent) if name.endswith(".dist-info"))
    return os.path.join(parent, name)


if __name__ == "__main__":
    main()
