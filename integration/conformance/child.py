"""A script of setuptools' tests, with what it writes redirected.

Run as ``python child.py MODE setup.py ARGUMENTS`` or ``python child.py MODE -c CODE ARGUMENTS``
instead of ``python setup.py ARGUMENTS`` and ``python -c CODE ARGUMENTS``.
"""

from __future__ import annotations

import runpy
import sys

mode, *command = sys.argv[1:]
here = sys.path.pop(0)
try:
    sys.path.insert(0, here)
    from redirection import Redirection
finally:
    sys.path[0] = ""

with Redirection(mode):
    if command[0] == "-c":
        code = command.pop(1)
        sys.argv = command
        exec(code, {"__name__": "__main__"})
    else:
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")
