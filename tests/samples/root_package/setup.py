from setuptools import setup

setup(
    name="root_package",
    version="1",
    packages=["rooted", "rooted.sub"],
    package_dir={"rooted": ""},
    include_package_data=True,
)
