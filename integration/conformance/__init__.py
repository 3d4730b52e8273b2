"""Promise 3 by the tests of others: setuptools' own, from its published sdist, run against us.

``python -m integration.conformance`` runs them and puts the result into ``docs/fidelity.md``.
"""
