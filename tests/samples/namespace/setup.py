from setuptools import setup

setup(
    name="space.one",
    version="1",
    packages=["space", "space.one"],
    namespace_packages=["space"],
    py_modules=["beside"],
)
