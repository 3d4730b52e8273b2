"""Call hooks of a build backend as every frontend does: through ``pyproject_hooks``.

Run as ``python call_hooks.py ROOT BACKEND CALLS`` with a JSON list of ``[hook, arguments]``.
Prints a JSON list with the result of each, or ``null`` if it failed.
"""

from __future__ import annotations

import json
import sys

from pyproject_hooks import BackendUnavailable, BuildBackendHookCaller, HookMissing


def main() -> None:
    root, backend, calls = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    results = []
    for hook, arguments in calls:
        caller = BuildBackendHookCaller(root, backend)
        try:
            results.append(getattr(caller, hook)(**arguments))
        except (BackendUnavailable, HookMissing):
            raise
        except Exception as error:
            print(f"{hook}: {error}", file=sys.stderr)
            results.append(None)
    print("\n" + json.dumps(results), flush=True)


if __name__ == "__main__":
    main()
