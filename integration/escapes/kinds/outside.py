"""Names that lead out of the root, where setuptools derives its own from them."""

from __future__ import annotations

from .kind import Kind, c_source

_PLAIN = """
    from setuptools import setup

    setup(packages=["outside"], package_dir={{"": "{directory}"}})
"""


def _climbing(steps: int) -> Kind:
    """Return a project whose C source lies *steps* directories above its root."""
    return Kind(
        f"climbing_{steps}",
        {
            "setup.py": f"""
                from setuptools import Extension, setup

                setup(ext_modules=[Extension("core", ["{"../" * steps}core/core.c"])])
            """
        },
        root="/".join(["a", "b", "c", "d", "e", "project"][-steps:]),
        beside={"core/core.c": c_source("core")},
    )


KINDS = [
    *map(_climbing, (1, 2, 3, 4, 5, 6)),
    Kind(
        "package_dir_outside",
        {"setup.py": _PLAIN.format(directory="../src")},
        root="repository/python",
        beside={"repository/src/outside/__init__.py": ""},
    ),
    Kind(
        "package_dir_far_outside",
        {"setup.py": _PLAIN.format(directory="../../../lib/src")},
        root="repository/python/project",
        beside={"lib/src/outside/__init__.py": ""},
    ),
    Kind(
        "package_outside",
        {
            "setup.py": """
                from setuptools import setup

                setup(packages=["outside"], package_dir={"outside": "../../lib/outside"})
            """,
        },
        root="repository/python/project",
        beside={"repository/lib/outside/__init__.py": ""},
    ),
    Kind(
        "package_data_climbs",
        {
            "climbs/__init__.py": "",
            "setup.py": """
                from setuptools import setup

                setup(packages=["climbs"], package_data={"climbs": ["../../../data/*.txt"]})
            """,
        },
        root="repository/project",
        beside={"data/data.txt": "data\n"},
    ),
    Kind(
        "files_outside",
        {
            "setup.py": """
                from setuptools import setup

                setup(
                    data_files=[("share", ["../share/data.txt"])],
                    scripts=["../bin/tool"],
                    headers=["../include/header.h"],
                )
            """,
        },
        root="repository/project",
        beside={
            "repository/share/data.txt": "data\n",
            "repository/bin/tool": "#!python\n",
            "repository/include/header.h": "",
        },
    ),
    Kind(
        "climbing_library",
        {
            "module.c": c_source("module"),
            "setup.py": """
                from setuptools import Extension, setup

                setup(
                    libraries=[("helper", {"sources": ["../../../helper/helper.c"]})],
                    ext_modules=[Extension("module", ["module.c"])],
                )
            """,
        },
        root="repository/python/project",
        beside={"helper/helper.c": "int helper(void) { return 0; }\n"},
    ),
    Kind(
        "manifest_climbs",
        {"MANIFEST.in": "include ../../LICENSE\n", "manifest.py": ""},
        root="repository/python/project",
        beside={"repository/LICENSE": "Do what you like.\n"},
    ),
    Kind(
        "work_outside",
        {
            "work.py": "",
            "setup.cfg": """
                [egg_info]
                egg_base = ../meta
                [build]
                build_base = ../work
                [bdist_wheel]
                bdist_dir = ../../wheel
            """,
        },
        root="repository/project",
        beside={"repository/meta/README": ""},
    ),
    Kind(
        "shared_module",
        {
            "setup.py": """
                from setuptools import setup
                from setuptools.command.build_py import build_py

                class Generate(build_py):
                    def run(self):
                        with open("../shared/fast.py", "w") as file:
                            file.write("VALUE = 1\\n")
                        super().run()

                setup(
                    py_modules=["fast"], package_dir={"": "../shared"},
                    cmdclass={"build_py": Generate},
                )
            """,
        },
        beside={"shared/fast.py": ""},
    ),
    Kind(
        "shared_cython",
        {
            "setup.py": """
                from Cython.Build import cythonize
                from setuptools import Extension, setup

                setup(ext_modules=cythonize([Extension("fast", ["../shared/fast.pyx"])]))
            """,
        },
        beside={"shared/fast.pyx": "VALUE = 1\n"},
        requires=("cython",),
    ),
    Kind(
        "child_of_build_temp",
        {
            "native/data.txt": "data\n",
            "setup.py": """
                import subprocess
                from setuptools import Extension, setup
                from setuptools.command.build_ext import build_ext

                class Native(build_ext):
                    def run(self):
                        make = 'mkdir -p "$OUT" && cp data.txt "$OUT"'
                        subprocess.run(
                            ["sh", "-c", f"OUT=../{self.build_temp}; {make}"],
                            cwd="native", check=True,
                        )
                        super().run()

                setup(
                    ext_modules=[Extension("module", ["module.c"])],
                    cmdclass={"build_ext": Native},
                )
            """,
            "module.c": c_source("module"),
        },
    ),
]
