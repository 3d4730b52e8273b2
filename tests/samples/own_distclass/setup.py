"""The distribution is the project's own: it names it, finds commands, and adds an option."""

from setuptools import Distribution, setup
from setuptools.command import build_py as original_build_py
from setuptools.command import egg_info as original_egg_info


class egg_info(original_egg_info.egg_info):
    user_options = [
        *original_egg_info.egg_info.user_options,
        ("mark=", None, "what to leave in the metadata"),
    ]

    def initialize_options(self):
        super().initialize_options()
        self.mark = None

    def run(self):
        super().run()
        self.write_or_delete_file("mark", f"{self.egg_info}/mark.txt", self.mark)


class build_py(original_build_py.build_py):
    def run(self):
        super().run()
        with open(f"{self.build_lib}/owned/made.py", "w") as file:
            file.write(f"{self.distribution.answer = }\n")


class OwnDistribution(Distribution):
    def __init__(self, attrs):
        self.answer = attrs.pop("answer")
        super().__init__(attrs)

    def get_command_class(self, command):
        own = {"egg_info": egg_info, "build_py": build_py}
        return own.get(command) or super().get_command_class(command)

    def parse_config_files(self, *args, **kwargs):
        super().parse_config_files(*args, **kwargs)
        self.get_option_dict("egg_info")["mark"] = ("the distribution", str(self.answer))


setup(name="own-distclass", version="2", packages=["owned"], distclass=OwnDistribution, answer=42)
