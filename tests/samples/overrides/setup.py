"""Every command that writes is overridden, and calls what it overrides."""

import os

from setuptools import setup
from setuptools.command.build import build
from setuptools.command.build_py import build_py
from setuptools.command.egg_info import egg_info
from setuptools.command.install import install
from setuptools.command.sdist import sdist

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # setuptools < 70.1
    from wheel.bdist_wheel import bdist_wheel


class OwnBuild(build):
    def initialize_options(self):
        super().initialize_options()
        self.build_base = "_own_build"

    def finalize_options(self):
        super().finalize_options()
        self.build_lib = self.build_platlib


class OwnBuildPy(build_py):
    def run(self):
        super().run()
        with open(os.path.join(self.build_lib, "over", "generated.py"), "w") as f:
            f.write("generated = True\n")


class OwnEggInfo(egg_info):
    def run(self):
        super().run()
        with open(os.path.join(self.egg_info, "own.json"), "w") as f:
            f.write("{}")

    def find_sources(self):
        super().find_sources()
        self.filelist.append("over/template.in")
        self.filelist.append(os.path.join(self.egg_info, "PKG-INFO"))
        self.filelist.sort()
        self.filelist.remove_duplicates()
        with open(os.path.join(self.egg_info, "SOURCES.txt"), "w") as f:
            f.write("\n".join(name.replace(os.sep, "/") for name in self.filelist.files))


class OwnSdist(sdist):
    def run(self):
        super().run()
        assert self.archive_files and all(map(os.path.exists, self.archive_files))

    def make_distribution(self):
        self.filelist.append("setup.cfg")
        super().make_distribution()

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        assert os.path.exists(os.path.join(base_dir, "overrides.egg-info", "SOURCES.txt"))
        with open(os.path.join(base_dir, "over", "__init__.py"), "a") as f:
            f.write("released = True\n")
        with open(os.path.join(base_dir, "RELEASE"), "w") as f:
            f.write("released\n")


class OwnBdistWheel(bdist_wheel):
    def run(self):
        super().run()
        assert not os.path.exists(self.bdist_dir)

    def egg2dist(self, egg, dist):
        super().egg2dist(egg, dist)
        with open(os.path.join(dist, "OWN"), "w") as f:
            f.write("own\n")


class OwnInstall(install):
    def run(self):
        install.run(self)
        with open(os.path.join(self.install_lib, "over", "installed.txt"), "w") as f:
            f.write("installed\n")


setup(
    name="overrides",
    version="1.5",
    cmdclass={
        "build": OwnBuild,
        "build_py": OwnBuildPy,
        "egg_info": OwnEggInfo,
        "sdist": OwnSdist,
        "bdist_wheel": OwnBdistWheel,
        "install": OwnInstall,
    },
)
