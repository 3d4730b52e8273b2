"""Start a fresh interpreter that is like this one, wait for it, and end it with this process."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from signal import SIGINT, strsignal
from typing import TYPE_CHECKING, Any

from .errors import NoProcessError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: Seconds that a process has to end in after an interruption, before it is told, and before it is
#: killed. A terminal interrupts both at once; then there is no need to tell.
_BY_ITSELF, _WHEN_TOLD = 1.0, 10.0

#: What the fresh interpreter begins with. It looks for no module before ``sys.path`` is the one of
#: this process, and does nothing before this process is ready to wait for it.
_BEGIN = f"""\
import marshal, sys
gate, file = map(int, sys.argv[1:])
if sys.platform == "win32":
    import msvcrt
    gate, file = msvcrt.open_osfhandle(gate, 0), msvcrt.open_osfhandle(file, 2)
if open(gate, "rb", 0).read(1):
    file = open(file, "r+b", 0)
    file.seek(0)
    sys.dont_write_bytecode, path, place, request = marshal.loads(file.read())
    sys.path[:] = [place, *path]
    from {__package__} import callee
    sys.path[:] = path
    callee.answer(file, request)
"""


def run(what: str, file: int, directory: str, environment: Mapping[str, str]) -> int:
    """Run a fresh interpreter, which calls :func:`isolated_backend.callee.answer`.

    Args:
        what: what it is for, to be named in messages.
        file: the descriptor of the file with the request, where the answer is to be.
        directory: the current directory.
        environment: the environment variables.

    Returns:
        The exit status; that of a process that a signal has killed is its number, negative.

    Raises:
        NoProcessError: it cannot be started.
        BaseException: what interrupts this process. The other one has ended then.
    """
    process = None
    with refused(what):
        gate, opened = (apart_from_streams(descriptor) for descriptor in os.pipe())
    try:
        with refused(what):
            process = _start([gate, file], cwd=directory, env=environment)
        os.write(opened, b"1")  # whatever interrupts this process before, that one does nothing
        return process.wait()
    except BaseException as error:
        if process is not None:
            _stop(process, is_interrupted=isinstance(error, KeyboardInterrupt))
        raise
    finally:
        os.close(gate)
        os.close(opened)


@contextmanager
def refused(what: str) -> Iterator[None]:
    """Say for *what* no process can be started, if the system refuses what is needed for one."""
    try:
        yield
    except OSError as error:
        raise NoProcessError(f"Cannot start a process for {what}: {error}.") from error


def apart_from_streams(descriptor: int) -> int:
    """Return a descriptor in the place of *descriptor* that no closed standard stream has left."""
    if descriptor > 2:
        return descriptor
    other = apart_from_streams(os.dup(descriptor))
    os.close(descriptor)
    return other


def _start(descriptors: Sequence[int], **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, *_interpreter_options(), "-c", _BEGIN]
    if sys.platform == "win32":
        import msvcrt

        inherited = [msvcrt.get_osfhandle(descriptor) for descriptor in descriptors]
        for handle in inherited:
            os.set_handle_inheritable(handle, True)
        startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": inherited})
        options |= {"startupinfo": startup, "stdin": 0, "stdout": 1, "stderr": 2}
    else:
        options["pass_fds"] = inherited = descriptors
    return subprocess.Popen([*command, *map(str, inherited)], **options)


def _interpreter_options() -> list[str]:
    """Return the options that this interpreter was started with, less what it was to run."""
    options: list[str] = []
    words = iter(sys.orig_argv[1:])
    for word in words:
        if word == "--check-hash-based-pycs":
            options += [word, next(words, "")]
            continue
        if len(word) < 2 or word[0] != "-" or word[1] == "-":
            break
        for position, letter in enumerate(word[1:], 2):
            if letter in "cm":
                return options
            if letter in "WX":
                options.append(f"-{letter}{word[position:] or next(words, '')}")
                break
            if letter not in "ix":  # to be interactive afterwards, and to skip a line
                options.append(f"-{letter}")
    return options


def _stop(process: subprocess.Popen[bytes], *, is_interrupted: bool) -> None:
    """End *process*, because this one has been told to end; it may clean up first."""
    is_interrupted = is_interrupted and sys.platform != "win32"
    try:
        if is_interrupted:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_BY_ITSELF)
            process.send_signal(SIGINT)
        else:
            process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_WHEN_TOLD)
    finally:  # also if this process is told once more
        process.kill()
        process.wait()


def ended(status: int) -> str:
    """Return in words how a process with the exit *status* has ended."""
    if status >= 0:
        return f"ended with exit status {status}"
    return f"was killed by signal {-status} ({strsignal(-status)})"
