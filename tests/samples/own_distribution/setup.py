"""sdist is distutils' own, and its make_distribution is written anew."""

from distutils import dir_util
from distutils.command.sdist import sdist

from setuptools import setup


class Sdist(sdist):
    def make_distribution(self):
        base_dir = self.distribution.get_fullname()
        self.make_release_tree(base_dir, self.filelist.files)
        file = self.make_archive(f"{self.dist_dir}/{base_dir}", "gztar", base_dir=base_dir)
        self.archive_files = [file]
        self.distribution.dist_files.append(("sdist", "", file))
        dir_util.remove_tree(base_dir)


setup(name="own_distribution", version="4", py_modules=["own"], cmdclass={"sdist": Sdist})
