"""A call in a fresh interpreter: what it gets, and where its output goes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fresh import call, evaluate, script
from isolated_backend import interpreter


def test_the_value_comes_back_and_nothing_else(tmp_path: Path) -> None:
    text = f"(__import__('os').chdir({os.sep!r}), __import__('os').getpid(), ['requirement'])"
    before = os.getcwd()
    _, pid, value = evaluate(text)
    assert value == ["requirement"]
    assert pid != os.getpid()
    assert os.getcwd() == before
    assert call(os.getcwd, root=tmp_path) == str(tmp_path)


def test_a_request_of_any_size(tmp_path: Path) -> None:
    text = "x" * 10_000_000
    assert call(str, text) == text


INTERPRETERS = [
    [],
    ["-I"],
    ["-E", "-s"],
    ["-S"],
    ["-OO", "-B"],
    ["-bbuv"],
    ["-X", "dev", "-Wignore", "-W", "error::DeprecationWarning:odd"],
    ["-Xutf8", "-X", "pycache_prefix=/nonexistent"],
]

STATE = """(
    sys.flags, sys.warnoptions, sys.path, sys.argv, sys.pycache_prefix,
    sys.dont_write_bytecode, sys.executable, sys.prefix, os.getcwd(),
    {name: value for name, value in os.environ.items() if name != 'PYTHONDONTWRITEBYTECODE'},
    __import__('multiprocessing').get_start_method(allow_none=True),
    sys.modules['isolated_backend'].__file__,
)"""


@pytest.mark.parametrize("options", INTERPRETERS, ids=" ".join)
def test_the_interpreter_is_like_this_one(options: list[str], tmp_path: Path) -> None:
    """As it is like this one if a frontend starts it, once for each hook."""
    place = str(Path(interpreter.__file__).parents[1])
    text = f"""
import os, sys
sys.path.append({place!r})
from isolated_backend import interpreter
text = "repr({" ".join(STATE.split())})"
scope = "__import__('builtins').dict(os=__import__('os'), sys=__import__('sys'))"
mine = eval(text)
there = interpreter.call("a test", os.getcwd(), eval, f"eval({{text!r}}, {{scope}})")
print(mine)
print(there)
"""
    command = [sys.executable, *options, "-c", text, "word", "-c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    mine, there = done.stdout.splitlines()
    assert there == mine


def test_all_output_comes_once_and_in_order() -> None:
    done = script("""
        print("before")
        run("print('inside')\\nprint('after that', end='')")
        print(" behind")
    """)
    assert done.stdout == "before\ninside\nafter that behind\n"


def test_the_input_of_the_caller_is_left_to_it() -> None:
    """In tox it is requests."""
    done = script("print(call(os.read, 0, 5), os.read(0, 6))", input="first second")
    assert done.stdout == "b'' b'first '\n"


def test_output_that_is_closed_or_missing_is_no_matter() -> None:
    done = script("""
        sys.stdout.close()
        sys.stderr = None
        assert call(os.getpid)
    """)
    assert done.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="streams are those of POSIX")
@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1], [0, 1, 2]], ids=str)
def test_a_stream_that_is_closed_is_closed_there(closed: list[int], tmp_path: Path) -> None:
    """What is opened in its place must not be taken for it; the input is always the request."""
    text = "import sys; print('x'); " + "; ".join(
        f"f.write(str(sys.{name} is None) + ' ')" for name in ("stdin", "stdout", "stderr")
    )
    done = script(
        f"""
        for descriptor in {closed}:
            os.close(descriptor)
        run("f = open('found', 'w'); {text}")
        """,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    found = [word == "True" for word in (tmp_path / "found").read_text().split()]
    assert found == [False, *(number in closed for number in (1, 2))]


def test_a_system_without_files_in_memory_has_others(tmp_path: Path) -> None:
    done = script(
        """
        vars(os).pop("memfd_create", None)
        import tempfile
        print(call(str, "x" * 100_000) == "x" * 100_000, os.listdir(tempfile.gettempdir()))
    """,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert done.stdout == "True ['temporary']\n", done.stderr
