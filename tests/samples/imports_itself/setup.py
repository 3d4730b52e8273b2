import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import helper

subprocess.run([sys.executable, "-c", "import itself.other"], check=True)

from setuptools import setup  # noqa: E402

setup(description=helper.TEXT)
