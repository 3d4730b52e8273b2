"""Real frontends in real environments: concurrency, read-only roots, kills. Nothing is mocked.

``python -m pytest integration`` needs a package index (or ``PIP_FIND_LINKS``) once, at the start,
for the wheels that the environments are made of. ``-m long`` runs what takes many rounds.
"""

import sys
from pathlib import Path

# How artifacts and trees are compared is written once, with the tests.
_TESTS = str(Path(__file__).resolve().parents[1] / "tests")
if _TESTS not in sys.path:
    sys.path.append(_TESTS)
