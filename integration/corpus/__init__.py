"""Fidelity on real projects: what setuptools makes of a published sdist, and what we make of it.

Run ``python -m integration.corpus --help``. One trial takes one project, builds it with its own
backend and with ours in one environment and at one path, and compares all that comes out. The
projects are listed in ``projects.txt``, what is known about them in ``known.toml``.
"""
