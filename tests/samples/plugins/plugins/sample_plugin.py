import os

from setuptools.command import build_py as original


class build_py(original.build_py):
    def build_module(self, module, module_file, package):
        made = super().build_module(module, module_file, package)
        path = self.get_module_outfile(self.build_lib, package.split("."), module)
        with open(path, "a") as file:
            file.write("# built\n")
        return made


def check_keyword(distribution, attribute, value):
    assert value == "word", value


def finalize(distribution):
    distribution.metadata.keywords = ["finalized"]


def write_sample(command, basename, filename):
    command.write_file("sample", filename, f"{command.distribution.sample_keyword}\n")


def write_nothing(command, basename, filename):
    command.write_or_delete_file("nothing", filename, "", force=True)


def find_files(directory):
    for parent, _, names in os.walk(directory or "."):
        for name in names:
            if name.endswith((".txt", ".dat")) and "egg-info" not in parent:
                yield os.path.normpath(os.path.join(parent, name))
