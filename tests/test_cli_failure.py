"""Finding the line that says why a build failed."""

from __future__ import annotations

import pytest

from isolated_backend.cli import failure

TRACEBACK = """\
* Getting build dependencies for wheel...
Traceback (most recent call last):
  File "/x/setup.py", line 1, in <module>
    raise ValueError("no")
FileNotFoundError: [Errno 2] No such file: '/tmp/copy/demo/build/lib/a.py'

During handling of the above exception, another exception occurred:

OSError: later

ERROR Backend subprocess exited when trying to invoke get_requires_for_build_wheel
"""


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (TRACEBACK, "FileNotFoundError: [Errno 2] No such file: 'build/lib/a.py'"),
        ("running egg_info\nerror: in /tmp/copy/demo\nmore\n", "error: in ."),
        (
            "cc a.c\na.c:1:2: fatal error: b.h: none\nerror: cc failed",
            "a.c:1:2: fatal error: b.h: none",
        ),
        ("ERROR Missing dependencies:\n\tcython>=3\n", "ERROR Missing dependencies: cython>=3"),
        (
            "warning: x\nisolated-backend: no room.\n\nERROR Backend subprocess exited",
            "isolated-backend: no room.",
        ),
        ("* Building sdist...\n", "it printed no error"),
        ("", "it printed no error"),
        ("error:", "error:"),
        ("error: " + "x" * 1000, "error: " + "x" * 192 + "…"),
    ],
)
def test_first_error(output: str, line: str) -> None:
    assert failure.first_error(output, "/tmp/copy/demo") == line


def test_first_error_knows_escaped_windows_paths() -> None:
    output = r"OSError: 'C:\\t\\demo\\build\\x' C:\t\demo\y"
    assert failure.first_error(output, r"C:\t\demo") == r"OSError: 'build\\x' y"


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("ERROR: a\nERROR: b\nnotice\n", "ERROR: b"),
        ("No module named pip\n", "No module named pip"),
        ("", "pip printed no error"),
    ],
)
def test_last_error(output: str, line: str) -> None:
    assert failure.last_error(output) == line


def test_kinds_do_not_count_names_and_numbers() -> None:
    lines = [
        "error: process 1 died",
        "FileNotFoundError: 'build/a_1.py'",
        "error: process 22 died",
        "FileNotFoundError: 'build/b.py'",
        "error removing build/x/y: gone",
        "error removing build/z: gone",
        "FileNotFoundError: 'c'",
    ]
    assert failure.kinds(lines) == [
        ("FileNotFoundError: 'build/a_1.py'", 3),
        ("error: process 1 died", 2),
        ("error removing build/x/y: gone", 2),
    ]
    assert failure.kinds([]) == []
