"""Finding the line that says why a build failed."""

from __future__ import annotations

from collections import Counter

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

# What each frontend makes of a hook that printed two lines and failed.
FRAMES = {
    "build": """\
* Getting build dependencies for wheel...
{}
{}

TIP pass --env-dir and --sdist-extract-dir to keep the build environment and sources
ERROR Backend subprocess exited when trying to invoke get_requires_for_build_wheel
""",
    "pip": """\
Processing ./demo
  Preparing metadata (pyproject.toml): started
  Preparing metadata (pyproject.toml): finished with status 'error'
  error: subprocess-exited-with-error

  \u00d7 Preparing metadata (pyproject.toml) did not run successfully.
  │ exit code: 1
  ╰─> [2 lines of output]
      {}
      {}
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
  ERROR: Failed building wheel for demo
error: metadata-generation-failed

\u00d7 Encountered error while generating package metadata.
╰─> from file:///tmp/copy/demo

note: This is an issue with the package mentioned above, not pip.
hint: See above for details.
Failed to build demo
ERROR: Failed to build one or more wheels
""",
    "uv": """\
Building wheel...
{}
{}
error: Failed to build `/tmp/copy/demo`
  cause: The build backend returned an error
  cause: Call to `isolated_backend.build_wheel` failed (exit status: 1)

hint: Build failures usually indicate a problem with the package or the build environment
""",
    "uv, before": """\
Building wheel...
{}
{}
  \u00d7 Failed to build `/tmp/copy/demo`
  ├─▶ The build backend returned an error
  ╰─▶ Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)
      hint: This usually indicates a problem with the package or the build environment.
""",
    "tox": """\
.pkg: install_requires /tmp/copy/demo> python -c '' setuptools
.pkg: build_wheel /tmp/copy/demo> python /x/pyproject_api/_backend.py True isolated_backend
check: packaging backend failed (code=error: no), with SystemExit: error: no
{}
{}
Backend: run command build_wheel with args {{'config_settings': None}}
Backend: Wrote response {{'code': 1, 'exc_type': 'E', 'exc_msg': 'no'}} to /tmp/pep517.json
.pkg: _exit /tmp/copy/demo> python /x/pyproject_api/_backend.py True isolated_backend
  check: FAIL code 1 (0.47 seconds)
  evaluation failed :( (0.55 seconds)
""",
}


@pytest.mark.parametrize("frontend", FRAMES)
@pytest.mark.parametrize(
    ("said", "line"),
    [
        (("running sdist", "ValueError: no"), "ValueError: no"),
        (("error: no such file", "later"), "error: no such file"),
        (("isolated-backend: waiting for 1", "isolated-backend: no."), "isolated-backend: no."),
        (("There is no compiler.", "isolated-backend: waiting for 1"), "There is no compiler."),
        (("    raise SystemExit(x)", "SystemExit: error: no"), "error: no"),
        (("Traceback (most recent call last):", "There is no compiler."), "There is no compiler."),
    ],
)
def test_frontends_add_nothing_to_it(frontend: str, said: tuple[str, str], line: str) -> None:
    assert failure.first_error(FRAMES[frontend].format(*said), "/tmp/copy/demo") == line


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
        (
            "isolated-backend: warning: /tmp/x is another's\n"
            "isolated-backend: what setuptools would write in /a went to /b\n"
            "isolated-backend: build -> /b/build\n"
            "isolated-backend: x.tar.gz was built in isolation and is in /c\n"
            "isolated-backend: Cannot make it.\n",
            "isolated-backend: Cannot make it.",
        ),
        (
            "isolated-backend: keeping the shadow in /b\n"
            "isolated-backend: no private tree of /a, for reasons; builds take turns instead.\n"
            "isolated-backend: waiting for process 1 (x) to write (a.c) in /a.\n"
            "isolated-backend: warning: /a cannot be written, and the project's own code writes "
            "a.c there while it is built.\n"
            "ValueError: another reason\n",
            "ValueError: another reason",
        ),
        (
            "isolated-backend: /a cannot be written, and the project's own code writes a.c there "
            "while it is built.\n",
            "isolated-backend: /a cannot be written, and the project's own code writes a.c there "
            "while it is built.",
        ),
        ("isolated-backend: waiting for process 1 (x) to begin in /a.\n", "it printed no error"),
        (
            "ERROR: Exception:\nTraceback (most recent call last):\n  File x\nOSError: no\n",
            "OSError: no",
        ),
        ("* Building sdist...\n", "it printed no error"),
        ("", "it printed no error"),
        ("\x1b[31merror: red\x1b[39m", "error: red"),
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
    failures = [
        ("build", "error: process 1 died"),
        ("build", "FileNotFoundError: 'build/a_1.py'"),
        ("uv", "error: process 22 died"),
        ("uv", "FileNotFoundError: 'build/b.py'"),
        ("build", "error removing build/x/y: gone"),
        ("build", "error removing build/z: gone"),
        ("build", "FileNotFoundError: 'c'"),
    ]
    assert failure.kinds(failures) == [
        failure.Failures("FileNotFoundError: 'build/a_1.py'", Counter(build=2, uv=1)),
        failure.Failures("error: process 1 died", Counter(build=1, uv=1)),
        failure.Failures("error removing build/x/y: gone", Counter(build=2)),
    ]
    assert failure.kinds([]) == []
