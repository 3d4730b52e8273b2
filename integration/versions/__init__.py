"""Every setuptools that we are for: hooks, identity and concurrency, each in its environment.

``python -m integration.versions`` tries them and puts the result into ``docs/fidelity.md``.
"""

import sys

from packaging.version import Version

#: The first that the running Python can import: older ones need ``pkgutil.ImpImporter``, which
#: Python 3.12 has not got.
FIRST = Version("66.1" if sys.version_info >= (3, 12) else "64")

#: The first with PEP 660, the first for Python 3.12, and the last of some series that did things in
#: their own way, up to the last before the newest one.
_OLDER = ("64.0.3", "66.1.0", "68.2.2", "70.1.0", "75.8.2", "80.9.0", "82.0.1")

#: Those that the running Python can import; the newest one is the empty string.
VERSIONS = (*(version for version in _OLDER if Version(version) >= FIRST), "")
