"""How a call in a fresh interpreter ends: with what is raised there, or with a loud error."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from fresh import call, evaluate, script
from isolated_backend.errors import BackendError, HookError, ShortcutError

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")


class _OddError(Exception):
    def __init__(self, *, number: int) -> None:
        super().__init__(f"number {number}")


class MuteError(Exception):
    """An exception without a text."""

    def __str__(self) -> str:
        raise ValueError


ERRORS = {
    "exit without a code": SystemExit(),
    "exit with a status": SystemExit(3),
    "exit with a message": SystemExit("error: no"),
    "of the system": FileNotFoundError(errno.ENOENT, "No such file", "there"),
    "interruption": KeyboardInterrupt(),
    "key": KeyError("x"),
    "several arguments": ValueError("x", 1, None),
    "that takes more than a text": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "reason"),
    "of ours": ShortcutError("text"),
    "end of a file": EOFError("text"),
}


def fail(name: str) -> None:
    raise ERRORS[name]


@pytest.mark.parametrize("name", ERRORS)
def test_an_exception_comes_back(name: str) -> None:
    error = ERRORS[name]
    with pytest.raises(type(error)) as got:
        call(fail, name)
    found = got.value
    assert type(found) is type(error)
    assert str(found) == str(error)
    for attribute in ("code", "errno", "filename"):
        assert getattr(found, attribute, None) == getattr(error, attribute, None)
    assert "raise ERRORS[name]" in str(found.__cause__)


def raise_odd() -> None:
    raise _OddError(number=1)


def raise_mute() -> None:
    raise MuteError


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (raise_odd, "test_hook_errors._OddError: number 1"),
        (raise_mute, "test_hook_errors.MuteError: <exception str() failed>"),
        (partial(exec, "class Odd(OSError): pass\nraise Odd(1, 'x')"), "Odd: [Errno 1] x"),
        (partial(exec, "import mailbox; raise mailbox.Error('x')"), "mailbox.Error: x"),
        (partial(exec, "raise ValueError(open)"), "ValueError: <built-in function open>"),
    ],
)
def test_an_exception_that_cannot_come_back_comes_in_words(
    function: Callable[[], None], text: str
) -> None:
    """Nor is anything imported for it: its module may be the project's."""
    assert "mailbox" not in sys.modules
    with pytest.raises(HookError) as got:
        call(function)
    assert str(got.value).endswith(text)
    assert 'Traceback (most recent call last):\n  File "' in str(got.value.__cause__)
    assert "mailbox" not in sys.modules


def test_an_exit_of_a_class_of_its_own_keeps_its_code() -> None:
    for code, got in (("3", 3), ("None", None), ("'text'", "text"), ("[1]", "[1]")):
        with pytest.raises(SystemExit) as error:
            call(exec, f"class Odd(SystemExit): pass\nraise Odd({code})")
        assert error.value.code == got


def test_a_value_that_cannot_come_back_is_an_error() -> None:
    with pytest.raises(Exception, match="pickle"):
        evaluate("lambda: None")


@pytest.mark.parametrize("status", [0, 7])
def test_a_process_that_exits_without_an_answer_is_a_loud_error(status: int) -> None:
    with pytest.raises(BackendError) as error:
        call(exec, f"import os; os._exit({status})")  # coverage replaces the one of this process
    assert str(error.value) == (
        f"The process for a test ended with exit status {status}, without a result."
    )


@posix
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGKILL", "SIGTERM", "SIGABRT"])
def test_a_process_that_a_signal_kills_is_a_loud_error(name: str) -> None:
    number = getattr(signal, name)
    with pytest.raises(BackendError, match=f"killed by signal {number:d}, without a result"):
        call(signal.raise_signal, number)


def test_one_that_fails_after_its_answer_is_a_loud_error() -> None:
    text = "import atexit, os\natexit.register(os._exit, 3)"
    with pytest.raises(BackendError, match="status 3"):
        call(exec, text)


def test_one_that_cannot_be_started_is_a_loud_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BackendError, match=r"Cannot start a process for a test: .*absent"):
        call(os.getpid, root=tmp_path / "absent")
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(BackendError, match="Cannot start"):
        call(os.getpid)


@posix
def test_a_process_that_the_function_forks_goes_on_as_it_would() -> None:
    done = script("""
        print(call(eval, "(os := __import__('os')).fork() or 'forked'") != "forked")
        run('''
            pid = os.fork()
            if pid == 0:
                sys.exit(9)
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        ''')
    """)
    assert done.stdout == "True\n9\n"


def test_what_was_started_and_registered_inside_is_done_at_the_end() -> None:
    done = script("""
        import atexit
        atexit.register(print, "of the caller")
        run('''
            import atexit, threading
            atexit.register(print, "at exit")
            gate = threading.Event()
            threading.Thread(target=lambda: (gate.wait(), print("thread"))).start()
            gate.set()
        ''')
        print("returned")
    """)
    assert done.stdout == "thread\nat exit\nreturned\nof the caller\n"


@posix
def test_a_daemon_keeps_nobody_waiting(tmp_path: Path) -> None:
    """It may have the file for the answer, too."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    call(exec, f"import os\nif not os.fork():\n open({str(gate)!r}).read()\n os._exit(0)", {})
    gate.write_text("it is still there")  # or this would not return


@posix
def test_where_children_are_ignored_the_answer_counts() -> None:
    done = script("""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        print(call(abs, -5))
        try:
            run("os._exit(3)")
        except Exception as error:
            print(error)
    """)
    assert done.stdout.splitlines()[0] == "5"
    assert "without a result" in done.stdout
