"""The file list is made as distutils did it: by patterns over all the files of the tree."""

import os

from setuptools import setup
from setuptools.command.egg_info import egg_info, manifest_maker


class OwnManifest(manifest_maker):
    def add_defaults(self):
        super().add_defaults()
        info = self.get_finalized_command("egg_info").egg_info
        self.filelist.files = [name for name in self.filelist.files if ".egg-info" not in name]
        self.filelist.include_pattern("*", prefix=info)
        self.filelist.include_pattern("*.h", anchor=False)


class OwnEggInfo(egg_info):
    def find_sources(self):
        manifest = OwnManifest(self.distribution)
        manifest.manifest = os.path.join(self.egg_info, "SOURCES.txt")
        manifest.run()
        self.filelist = manifest.filelist


setup(
    name="own-manifest",
    version="1",
    packages=["listed"],
    entry_points={"console_scripts": ["listed=listed:main"]},
    zip_safe=False,
    cmdclass={"egg_info": OwnEggInfo},
)
