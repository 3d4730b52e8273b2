"""Let tox find the interpreters of pyenv, whose shims fail for versions that are not selected."""

import os
from pathlib import Path

_PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
_BESIDE_SHIMS = [str(path) for path in sorted(_PYENV.glob("versions/*/bin"))]

os.environ["PATH"] = os.pathsep.join([*_BESIDE_SHIMS, os.environ.get("PATH", os.defpath)])
