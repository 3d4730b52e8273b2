"""Processes of a pool, which write into the tree."""

from __future__ import annotations

from .kind import Kind

_SETUP = """
    import os, sys
    from setuptools import setup
    from setuptools.command.build_py import build_py

    sys.path.insert(0, os.getcwd())

    class Generate(build_py):
        def run(self):
            import work

            {pool}
                pool.map(work.generate, range(3))
            super().run()

    setup(packages=["generated"], cmdclass={{"build_py": Generate}})
"""

_WORK = """
    def generate(number):
        with open(f"generated/made{number}.py", "w") as file:
            file.write("VALUE = 1\\n")
"""


def _pool(name: str, pool: str) -> Kind:
    return Kind(
        name,
        {
            "setup.py": _SETUP.format(pool=pool),
            "work.py": _WORK,
            "generated/__init__.py": "",
        },
    )


def _of_start_method(method: str) -> Kind:
    return _pool(
        f"{method}_pool",
        "from multiprocessing import get_context\n"
        f'            with get_context("{method}").Pool(2) as pool:',
    )


KINDS = [
    *map(_of_start_method, ("fork", "spawn", "forkserver")),
    _pool(
        "executor",
        "from concurrent.futures import ProcessPoolExecutor\n"
        "            with ProcessPoolExecutor(2) as pool:",
    ),
]
