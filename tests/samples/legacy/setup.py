import os
import sys

import beside  # the root is on sys.path
from setuptools import setup

assert os.path.basename(sys.argv[0]) == "setup.py", sys.argv
setup(name="legacy", version=beside.VERSION, py_modules=["legacy_module"], zip_safe=False)
