"""Plugins are installed: they write metadata, find files, add a keyword, a command and defaults."""

import os
import sys

sys.path.insert(0, os.path.abspath("plugins"))

from setuptools import setup  # noqa: E402

setup(
    name="plugins",
    version="3",
    packages=["plug"],
    include_package_data=True,
    sample_keyword="word",
)
