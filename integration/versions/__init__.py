"""Every setuptools that we are for: hooks, identity and concurrency, each in its environment.

``python -m integration.versions`` tries them and puts the result into ``docs/fidelity.md``.
"""

#: The first with PEP 660 and the last of some series that did things in their own way, up to the
#: last before the newest one (which is the empty string).
VERSIONS = ("64.0.3", "68.2.2", "70.1.0", "75.8.2", "80.9.0", "82.0.1", "")
