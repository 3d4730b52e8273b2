"""Programs that mostly only ask, or write only where they are told, told to write into the tree."""

from __future__ import annotations

from .kind import Kind

_SETUP = """
    import os, subprocess, tempfile
    from setuptools import setup
    from setuptools.command.build_py import build_py

    class Generate(build_py):
        def run(self):
            with tempfile.TemporaryDirectory() as directory:
                object = os.path.join(directory, "empty.o")
                subprocess.run({command})
            super().run()

    setup(packages=["generated"], cmdclass={{"build_py": Generate}})
"""

_COMPILE = '"gcc", "-c", "tools/empty.c", "-o", object'

_COMMANDS = {
    "git_output": '["git", "diff", "--no-index", "--output=generated/made", "setup.py", "tools"]',
    "compiler_dependencies": f'[{_COMPILE}, "-Wp,-MD,generated/made"]',
    "compiler_output": '["gcc", "-c", "tools/empty.c", "-ogenerated/made"]',
    "compiler_response_file": '["gcc", "-c", "tools/empty.c", "@tools/options"]',
    "compiler_without_output": '["gcc", "-c", "tools/empty.c"]',
    "compiler_temporary_files": f'[{_COMPILE}, "-save-temps=cwd"]',
    "compiler_statistics": f'[{_COMPILE}, "-fstack-usage", "-dumpdir", "generated/made"]',
    "linker_map": '["gcc", "-shared", "tools/empty.c", "-o", object, "-Wl,-Map,generated/made"]',
    "archiver": '["ar", "rc", "generated/made", "tools/empty.c"]',
    "shell_redirection": '"cat tools/empty.c > generated/made", shell=True',
    "shell_pipe": '"cat tools/empty.c | tee generated/made", shell=True',
    "shell_directory": '"cd generated && touch made", shell=True',
    "shell_substitution": '"uname $(touch generated/made)", shell=True',
    "wrapper": '["nice", "touch", "generated/made"]',
    "wrapper_with_directory": '["env", "-C", "generated", "touch", "made"]',
    "wrapper_with_variable": '["env", "NAME=value", "touch", "generated/made"]',
}


def _tool(name: str, command: str) -> Kind:
    return Kind(
        f"tool_{name}",
        {
            "setup.py": _SETUP.format(command=command),
            "generated/__init__.py": "",
            "tools/empty.c": "int empty;\n",
            "tools/options": "-o generated/made\n",
        },
        hooks=("build_wheel",),
    )


KINDS = [_tool(name, command) for name, command in _COMMANDS.items()]
