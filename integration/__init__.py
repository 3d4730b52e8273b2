"""Real frontends in real environments: concurrency, read-only roots, kills. Nothing is mocked.

``python -m pytest integration`` needs a package index (or ``PIP_FIND_LINKS``) once, at the start,
for the wheels that the environments are made of. ``-m long`` runs what takes many rounds.
"""
