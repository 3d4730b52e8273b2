import os
import sys

from setuptools import setup

print("building", sys.argv[1:])
here = os.getcwd()
os.chdir("inner")
version = open("VERSION").read().strip()
os.chdir(here)
setup(
    name="odd.setup-Name",
    version=version,
    packages=["odd"],
    setup_requires=["packaging"],
    zip_safe=True,
    data_files=[("etc", ["inner/VERSION"])],
    options={"build": {"build_lib": "build/somewhere"}},
)
os.chdir("inner")
sys.exit(0)
