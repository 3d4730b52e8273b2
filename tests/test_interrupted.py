"""Whoever waits for a hook's process and is told to end takes that process along."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="it is Linux that ends children")

#: Lets another process print its number and wait, in a way of sys.argv[1].
WAITING = """
import os, signal, sys
from isolated_backend import interpreter

INSIDE = '''
import os, signal, sys, time
if {deaf}:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
try:
    print(os.getpid(), flush=True)
    time.sleep(600)
finally:
    print("cleaned", flush=True)
'''
if sys.argv[1] == "handler":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
deaf = sys.argv[1] == "deaf"
interpreter._GRACE = 0.5 if deaf else 60
interpreter.call("a test", os.getcwd(), exec, INSIDE.format(deaf=deaf), {})
"""


def waiting(mode: str) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, mode],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")
    return not status.exists() or "\nState:\tZ" not in status.read_text()


@pytest.mark.parametrize(
    ("mode", "number", "status", "cleaned"),
    [
        ("plain", signal.SIGINT, -signal.SIGINT, True),
        ("handler", signal.SIGTERM, 5, True),
        ("deaf", signal.SIGINT, -signal.SIGINT, False),
    ],
)
def test_an_interrupted_caller_takes_the_process_along(
    mode: str, number: int, status: int, cleaned: bool
) -> None:
    process, pid = waiting(mode)
    process.send_signal(number)
    output, errors = process.communicate()
    assert process.returncode == status, errors
    assert output == ("cleaned\n" if cleaned else "")
    assert not is_alive(pid)


def test_a_terminal_that_interrupts_both_lets_the_process_clean_up() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, "plain"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate()
    assert (process.returncode, output) == (-signal.SIGINT, "cleaned\n")
    assert not is_alive(pid)


@linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_caller_takes_the_process_along(number: int) -> None:
    process, pid = waiting("plain")
    process.send_signal(number)
    process.communicate()  # to the end of the output, which the other one has, too
    assert process.returncode == -number
    while is_alive(pid):
        pass


def script(text: str, *words: str) -> subprocess.CompletedProcess[str]:
    head = "import os, signal, subprocess, sys, threading, time\n"
    head += "from isolated_backend import interpreter\n"
    return subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(text), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_second_interruption_waits_for_nothing() -> None:
    done = script("""
        def interrupt():
            while not children:
                pass
            os.read(reading, 1)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            while not waits[1:]:
                pass
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        children, waits = [], []
        reading, writing = os.pipe()
        class Noted(subprocess.Popen):
            def __init__(self, *arguments, pass_fds, **options):
                super().__init__(*arguments, pass_fds=[*pass_fds, writing], **options)
                children.append(self)
            def wait(self, timeout=None):
                waits.append(timeout)
                return super().wait(timeout)
        subprocess.Popen = Noted
        threading.Thread(target=interrupt).start()
        text = "import os, signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN);"
        text += f"os.write({writing}, b'x'); time.sleep(600)"
        try:
            interpreter.call("a test", os.getcwd(), exec, text, {})
        except KeyboardInterrupt:
            print("interrupted", children[0].returncode)
    """)
    assert done.stdout == "interrupted -9\n", done.stderr


@pytest.mark.parametrize("where", ["__init__", "communicate"])
def test_a_caller_that_is_interrupted_too_early_to_wait_lets_nothing_happen(
    where: str, tmp_path: Path
) -> None:
    """It may not even know of the process, which then does not begin."""
    done = script(
        f"""
        class Interrupted(subprocess.Popen):
            def {where}(self, *arguments, **options):
                if {where == "__init__"}:
                    super().__init__(*arguments, **options)
                raise KeyboardInterrupt
        subprocess.Popen = Interrupted
        code = "import sys; open(sys.argv[1], 'w')"
        try:
            interpreter.call("a test", os.getcwd(), exec, code, {{}})
        except KeyboardInterrupt:
            print("interrupted")
        """,
        str(tmp_path / "made"),
    )
    assert done.stdout == "interrupted\n", done.stderr  # the end of all that had it
    assert list(tmp_path.glob("made")) == []


@linux
def test_a_process_whose_caller_is_gone_already_ends() -> None:
    done = script("""
        from isolated_backend import kernel
        pid = os.fork()
        if pid == 0:
            kernel.end_with(os.getpid())
            os._exit(9)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """)
    assert done.stdout == "1\n"


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("times", [12, pytest.param(200, marks=pytest.mark.long)])
def test_at_whatever_instant_no_process_is_left(number: int, times: int) -> None:
    token = f"TOKEN-{os.getpid()}-{number}"
    # While coverage sets itself up at the start of a process, it lets no interruption through.
    inherited = {name: os.environ[name] for name in os.environ if "COVERAGE" not in name}
    for each in range(times):
        process = subprocess.Popen(
            [sys.executable, "-c", WAITING, "plain"],
            env=inherited | {"TOKEN": token},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.3 * each / times)  # over all that it does until the other one waits
        process.send_signal(number)
        process.wait()
        while any(has(pid, token) for pid in filter(str.isdigit, os.listdir("/proc"))):
            pass


def has(pid: str, token: str) -> bool:
    """Tell whether the process *pid* has *token* in its environment."""
    with suppress(OSError):
        return token.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    return False
