"""A call in a child process looks like a call."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from isolated_backend import child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="private trees are Linux'")


def script(text: str) -> subprocess.CompletedProcess[str]:
    """Run *text* after ``from isolated_backend import child``, with its output."""
    code = "import os, signal, sys\nfrom isolated_backend import child\n" + textwrap.dedent(text)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def raising(error: BaseException) -> Callable[[], None]:
    def function() -> None:
        raise error

    return function


def test_the_value_comes_back_and_nothing_else(tmp_path: Path) -> None:
    seen: list[int] = []

    def function() -> tuple[int, list[str]]:
        seen.append(1)
        os.environ["LEFT"] = "1"
        os.chdir("/")
        return os.getpid(), ["requirement"]

    before = os.getcwd()
    pid, value = child.call(function)
    assert value == ["requirement"]
    assert pid != os.getpid()
    assert (seen, os.getcwd(), "LEFT" in os.environ) == ([], before, False)


class _OddError(Exception):
    def __init__(self, *, number: int) -> None:
        super().__init__(f"number {number}")


ERRORS = {
    "exit without a code": SystemExit(),
    "exit with a status": SystemExit(3),
    "exit with a message": SystemExit("error: no"),
    "of the system": FileNotFoundError(errno.ENOENT, "No such file", "there"),
    "of a program": subprocess.CalledProcessError(2, ["cc", "-c"], "out", "err"),
    "interruption": KeyboardInterrupt(),
    "key": KeyError("x"),
    "several arguments": ValueError("x", 1, None),
    "that cannot be made again": _OddError(number=1),
    "that takes more than a text": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "reason"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_exception_comes_back(name: str) -> None:
    error = ERRORS[name]
    with pytest.raises(type(error).__mro__[1 if name == "that cannot be made again" else 0]) as got:
        child.call(raising(error))
    found = got.value
    assert type(found).__qualname__ == type(error).__qualname__
    assert type(found).__module__ == type(error).__module__
    assert str(found) == str(error)
    for name in ("code", "errno", "filename", "returncode", "stdout", "stderr"):
        assert getattr(found, name, None) == getattr(error, name, None)
    assert "in raising" not in str(found)
    assert "raise error" in str(found.__cause__)


def test_an_exception_of_a_class_that_only_the_child_knows() -> None:
    """As setup.py is executed, its classes are of no module that can be imported."""
    code = "class Odd(SystemExit):\n def __str__(self): return 'odd'\nraise Odd(Odd)"

    def function() -> None:
        exec(code, {"__name__": "__main__"})

    with pytest.raises(SystemExit) as got:
        child.call(function)
    assert type(got.value).__name__ == "Odd"
    assert str(got.value) == "odd"
    assert got.value.code == "<class '__main__.Odd'>"


def test_an_exception_without_a_text() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise ValueError

    with pytest.raises(Exception, match="MuteError"):
        child.call(raising(MuteError()))


def test_a_value_that_cannot_come_back_is_an_error() -> None:
    with pytest.raises((AttributeError, pickle.PicklingError), match="<lambda>"):
        child.call(lambda: lambda: None)


def test_all_output_comes_once_and_in_order() -> None:
    done = script("""
        print("before")
        def function():
            print("inside")
            print("after that", end="")
        child.call(function)
        print(" behind")
    """)
    assert done.stdout == "before\ninside\nafter that behind\n"


def test_output_that_is_closed_or_missing_is_no_matter() -> None:
    done = script("""
        sys.stdout.close()
        sys.stderr = None
        assert child.call(os.getpid)
    """)
    assert done.returncode == 0


def test_an_exit_in_the_middle_is_an_exit() -> None:
    done = script("""
        print("before")
        child.call(lambda: os._exit(7))
        print("never")
    """)
    assert (done.returncode, done.stdout) == (7, "before\n")


@pytest.mark.parametrize("number", ["SIGSEGV", "SIGKILL", "SIGTERM", "SIGABRT"])
@pytest.mark.parametrize("handled", [False, True])
def test_a_death_by_a_signal_is_a_death_by_that_signal(number: str, handled: bool) -> None:
    done = script(f"""
        if {handled} and "{number}" != "SIGKILL":
            signal.signal(signal.{number}, lambda *_: None)
        def die():
            if "{number}" != "SIGKILL":
                signal.signal(signal.{number}, signal.SIG_DFL)
            os.kill(os.getpid(), signal.{number})
        child.call(die)
    """)
    assert done.returncode == -getattr(signal, number)


def test_a_process_that_the_function_forks_goes_on_as_it_would() -> None:
    done = script("""
        first = os.getpid()
        def function():
            pid = os.fork()
            if pid == 0:
                return "forked"
            os.waitpid(pid, 0)
            pid = os.fork()
            if pid == 0:
                sys.exit(9)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(child.call(function), first == os.getpid())
    """)
    assert done.stdout == "forked False\n9 True\n"


def test_what_was_started_and_registered_inside_is_done_at_the_end() -> None:
    done = script("""
        import atexit, threading, time
        atexit.register(print, "of the caller")
        def function():
            atexit.register(print, "at exit")
            threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
        child.call(function)
        print("returned")
    """)
    assert done.stdout == "thread\nat exit\nreturned\nof the caller\n"


def test_several_threads_are_no_reason_to_warn() -> None:
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait)
    thread.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert child.call(lambda: 1) == 1
    finally:
        gate.set()
        thread.join()


def test_where_children_are_ignored_the_answer_counts() -> None:
    done = script("""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        print(child.call(lambda: 5))
        try:
            child.call(lambda: os._exit(3))
        except ChildProcessError as error:
            print(error)
    """)
    assert done.stdout.splitlines()[0] == "5"
    assert "no answer" in done.stdout


def test_where_there_can_be_no_child_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: object) -> int:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fork", no)
        with pytest.raises(child.NoChildError, match="temporarily"):
            child.call(lambda: 1)
    monkeypatch.delattr(os, "memfd_create")
    with pytest.raises(child.NoChildError, match="memory"):
        child.call(lambda: 1)


# --- interruption -------------------------------------------------------------------------------

#: Prints the child's number, then waits; MODE says what it does about a signal.
WAITING = """
    import time
    def function():
        if sys.argv[1] == "deaf":
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            print(os.getpid(), flush=True)
            time.sleep(600)
        finally:
            print("cleaned", flush=True)
    child._BY_ITSELF, child._WHEN_TOLD = 0.1, 0.5 if sys.argv[1] == "deaf" else 60
    if sys.argv[1] == "handler":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
    child.call(function)
"""


def waiting(mode: str) -> tuple[subprocess.Popen[str], int]:
    code = "import os, signal, sys\nfrom isolated_backend import child\n"
    process = subprocess.Popen(
        [sys.executable, "-c", code + textwrap.dedent(WAITING), mode],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    ("mode", "number", "status", "cleaned"),
    [
        ("plain", signal.SIGINT, -signal.SIGINT, True),
        ("handler", signal.SIGTERM, 5, True),
        ("deaf", signal.SIGINT, -signal.SIGINT, False),
    ],
)
def test_an_interrupted_caller_takes_the_child_along(
    mode: str, number: int, status: int, cleaned: bool
) -> None:
    process, pid = waiting(mode)
    process.send_signal(number)
    output, errors = process.communicate()
    assert process.returncode == status, errors
    assert output == ("cleaned\n" if cleaned else "")
    assert not is_alive(pid)


def test_a_second_interruption_waits_for_nothing() -> None:
    done = script("""
        import threading, time
        reading, writing = os.pipe()
        def function():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            os.write(writing, b"x")
            time.sleep(600)
        def interrupt():
            os.read(reading, 1)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            while not stopping:
                pass
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        stopping = []
        original = child._stop
        def stop(*arguments):
            stopping.append(1)
            original(*arguments)
        child._stop = stop
        child._BY_ITSELF = 600
        threading.Thread(target=interrupt).start()
        try:
            child.call(function)
        except KeyboardInterrupt:
            print("interrupted")
    """)
    assert done.stdout == "interrupted\n", done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_caller_takes_the_child_along(number: int) -> None:
    process, pid = waiting("plain")
    process.send_signal(number)
    process.communicate()  # to the end of the output, which the child has, too
    assert process.returncode == -number
    while is_alive(pid):
        pass


def test_a_child_whose_caller_is_gone_already_ends() -> None:
    done = script("""
        pid = os.fork()
        if pid == 0:
            child.end_with(os.getpid())
            os._exit(9)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """)
    assert done.stdout == "1\n"
