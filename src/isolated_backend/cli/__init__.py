"""The ``isolated-backend`` command.

Only the argument parser is here, so that ``--help`` and ``--version`` work without the packages
of the extra ``cli``; each command imports its module when it runs.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .. import __version__
from .errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType, ModuleType
    from typing import TypeAlias

    _Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]

_EXTRA = frozenset({"build", "packaging", "pyproject_hooks", "rich", "tomlkit"})
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments after the program's name; those of the process by default.

    Returns:
        The exit status: 0 if all is well, 1 if the command found something amiss, 2 if it could
        not do its work, 130 if it was interrupted.

    Raises:
        SystemExit: ``--help`` or ``--version`` was asked for, or the arguments are wrong.
    """
    arguments = _parser().parse_args(argv)
    try:
        with _termination_as_interrupt():
            status: int = arguments.run(arguments)
    except CommandError as error:
        print(f"isolated-backend: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("isolated-backend: interrupted.", file=sys.stderr)
        return _INTERRUPTED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="isolated-backend",
        description="Build one setuptools project any number of times at once.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    check = commands.add_parser(
        "check",
        help="build a project many times at once, with its backend and with isolated_backend",
        description=(
            "Build copies of a project many times at the same instant, first with setuptools, "
            "then with isolated_backend, and compare. The project itself is not touched."
        ),
        epilog=(
            "Exit status: 0 if every build by isolated_backend came out right and left nothing in "
            "the project root but what the project's own code writes there, 1 if not, 2 if the "
            "project could not be checked."
        ),
    )
    subject = check.add_mutually_exclusive_group()
    subject.add_argument("path", nargs="?", metavar="PATH", help="the project (default: .)")
    subject.add_argument(
        "--demo", action="store_true", help="fetch a real project with many files and check that"
    )
    check.add_argument(
        "-n",
        dest="number",
        type=_positive,
        default=8,
        metavar="N",
        help="sdists, and as many wheels, to build at once (default: %(default)s)",
    )
    check.add_argument(
        "--frontends",
        default="build",
        metavar="NAMES",
        help=(
            "what to build through, in turn: one or more of build, uv, pip, tox, with commas "
            "between them; pip builds wheels only (default: %(default)s)"
        ),
    )
    check.add_argument(
        "--json", action="store_true", help="print what was found as JSON, for a program"
    )
    check.set_defaults(run=_check)
    _add_adopt(commands)
    _add_status(commands)
    return parser


def _add_adopt(commands: _Commands) -> None:
    adopt = commands.add_parser(
        "adopt",
        help="have a project built by isolated_backend",
        description=(
            "Name isolated_backend as the backend in a project's pyproject.toml, or make one. "
            "Comments, order, pins and other build requirements stay as they are."
        ),
        epilog="Exit status: 0 if it is done, 2 if it is refused; then nothing has changed.",
    )
    adopt.add_argument(
        "path", nargs="?", default=".", metavar="PATH", help="the project (default: .)"
    )
    how = adopt.add_mutually_exclusive_group()
    how.add_argument(
        "--in-tree",
        metavar="DIR",
        help="copy the backend into this new directory of the project, and use it from there",
    )
    how.add_argument(
        "--undo", action="store_true", help="make everything what it was before, to the byte"
    )
    adopt.add_argument(
        "--dry-run", action="store_true", help="print the difference as a patch, change nothing"
    )
    adopt.set_defaults(run=_adopt)


def _add_status(commands: _Commands) -> None:
    status = commands.add_parser(
        "status",
        help="show which builds are at work, where, and what they hold",
        description=(
            "List the shadows in TMPDIR, who has them, and who holds the trees that they are of: "
            "this user's, and others' as far as they can be seen."
        ),
    )
    status.add_argument("--json", action="store_true", help="print it as JSON, for a program")
    status.set_defaults(run=_status)
    clean = commands.add_parser(
        "clean",
        help="remove what killed builds have left",
        description=(
            "Empty this user's shadows in TMPDIR that no build is using, and say what that freed."
        ),
    )
    clean.add_argument(
        "--kept", action="store_true", help="and those that were to be kept (the setting `keep`)"
    )
    clean.set_defaults(run=_clean)


def _positive(text: str) -> int:
    """Return the positive number that *text* is."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return number


def _check(arguments: argparse.Namespace) -> int:
    check = _imported("check")
    path = None if arguments.demo else arguments.path or "."
    return int(check.command(path, arguments.number, arguments.frontends, as_json=arguments.json))


def _adopt(arguments: argparse.Namespace) -> int:
    adopt = _imported("adopt")
    if arguments.undo:
        return int(adopt.undo(arguments.path, dry_run=arguments.dry_run))
    return int(adopt.command(arguments.path, arguments.in_tree, dry_run=arguments.dry_run))


def _status(arguments: argparse.Namespace) -> int:
    return int(_imported("status").command(as_json=arguments.json))


def _clean(arguments: argparse.Namespace) -> int:
    return int(_imported("clean").command(kept=arguments.kept))


def _imported(command: str) -> ModuleType:
    """Return the module of *command*.

    Raises:
        CommandError: it needs a package that is not installed.
    """
    try:
        return importlib.import_module(f".{command}", __name__)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        raise CommandError(
            f"`{command}` needs the package {package}, which is not installed; "
            "install it with: pip install 'isolated-backend[cli]'"
        ) from None


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end the command like Ctrl-C does: with its children and temporary files gone."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers, and only it gets signals
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
