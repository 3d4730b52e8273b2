"""Reading a trace: which file each call is about, and who held what at the time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .escapes import strace, trace
from .escapes.errors import TraceError
from .escapes.record import read

TRACED = """
import fcntl, os, subprocess, threading

def touch(name, **more):
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT, **more))

touch('we<ir>d "a, (b) = \\n ü')
os.mkdir("below")
os.symlink("nowhere", "link")
os.rename("link", "renamed")
os.unlink("renamed")
here = os.open("below", os.O_RDONLY)
touch("by descriptor", dir_fd=here)
os.chdir("below")
touch("../relative")
thread = threading.Thread(target=os.chdir, args=("..",))
thread.start()
thread.join()
touch("after the thread")
pid = os.fork()
if pid == 0:
    os.chdir("below")
    touch("in the child")
    os._exit(0)
os.waitpid(pid, 0)
touch("in the parent")
subprocess.run(["sh", "-c", "cd ..; echo > by-the-shell; : < by-the-shell"], cwd="below")
os.fchdir(here)
os.close(os.open(".", os.O_RDWR | os.O_TMPFILE))
touch("after fchdir")
os.truncate("after fchdir", 0)
for nothing in ("no/such/directory", "."):
    try:
        os.mkdir(nothing)
    except OSError:
        pass
"""


@pytest.mark.skipif(bool(strace.missing()), reason=strace.missing())
def test_every_write_is_seen(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    command = [*strace.command(tmp_path / "trace"), sys.executable, "-I", "-c", TRACED]
    subprocess.run(command, cwd=place, check=True)
    found = trace.of_file(tmp_path / "trace", place)
    inside = [write for write in found.writes if write.path.startswith(str(place))]
    assert [(write.how, str(Path(write.path).relative_to(place))) for write in inside] == [
        ("openat", 'we<ir>d "a, (b) = \n ü'),
        ("mkdir", "below"),
        ("symlink", "link"),
        ("rename", "link"),
        ("rename", "renamed"),
        ("unlink", "renamed"),
        ("openat", "below/by descriptor"),
        ("openat", "relative"),
        ("openat", "after the thread"),
        ("openat", "below/in the child"),
        ("openat", "in the parent"),
        ("openat", "by-the-shell"),
        ("openat", "below/after fchdir"),
        ("truncate", "below/after fchdir"),
    ]
    assert inside[-3].words[:2] == ("sh", "-c")
    assert [program.words[0] for program in found.programs] == ["sh"]


def of(text: str) -> trace.Trace:
    """Return the trace that the lines of *text* are, of a process 1 that begins in ``/p``."""
    lines = (line.strip() for line in text.splitlines())
    return trace.of_records(read(filter(None, lines)), "/p")


def held(text: str) -> dict[str, bool]:
    """Return what was written in *text*, and whether as the writer."""
    found = of(text)
    return {write.path: found.was_writer(write) for write in found.writes}


def test_calls_in_two_parts_are_joined() -> None:
    found = of("""
        1 mkdir("a" <unfinished ...>
        2 openat(AT_FDCWD</p>, "x, y", O_WRONLY|O_CREAT <unfinished ...>
        1 <... mkdir resumed>, 0777) = 0
        2 <... openat resumed>, 0666) = 3</p/x, y>
        3 mkdir("b", 0777 <unfinished ...>
        3 +++ killed by SIGKILL +++
        1 exit_group(0) = ?
        1 +++ exited with 0 +++
    """)
    assert [(write.path, write.begun, write.ended) for write in found.writes] == [
        ("/p/a", 0, 2),
        ("/p/x, y", 1, 3),
    ]


def test_what_is_no_trace_is_refused() -> None:
    for text in ("strace: Process 12 attached", "1 nothing"):
        with pytest.raises(TraceError, match="cannot be read"):
            of(text)


def test_a_child_is_known_before_the_call_that_made_it_ends() -> None:
    assert list(
        held("""
            1 chdir("/p/q") = 0
            1 vfork( <unfinished ...>
            2 mkdir("a", 0777) = 0
            2 execve("/bin/sh", ["sh"], 0x7f /* 1 vars */ <unfinished ...>
            1 <... vfork resumed>) = 2
            1 chdir("/p/r") = 0
            2 <... execve resumed>) = 0
            2 mkdir("b", 0777) = 0
            2 +++ exited with 0 +++
            1 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_THREAD}, 88) = 2
            2 chdir("/p/s") = 0
            1 mkdir("c", 0777) = 0
        """)
    ) == ["/p/q/a", "/p/q/b", "/p/s/c"]


def test_a_thread_that_becomes_another_program_has_its_process_number() -> None:
    found = of("""
        1 execve("/bin/a", ["a"], 0x7f /* 1 vars */) = 0
        1 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_THREAD}, 88) = 2
        2 execve("/bin/b", ["b", "it's"], 0x7f /* 1 vars */ <unfinished ...>
        1 +++ superseded by execve in pid 2 +++
        1 <... execve resumed>) = 0
        1 mkdir("c", 0777) = 0
    """)
    assert [(write.path, write.words) for write in found.writes] == [("/p/c", ("b", "it's"))]
    assert [(program.words, program.starter) for program in found.programs] == [
        (("b", "it's"), ("a",))
    ]


LOCKED = """
    1 openat(AT_FDCWD</p>, "pyproject.toml", O_RDONLY|O_CLOEXEC) = 3</p/pyproject.toml>
    1 flock(3</p/pyproject.toml>, LOCK_SH|LOCK_NB) = 0
    1 mkdir("before", 0777) = 0
    1 flock(3</p/pyproject.toml>, LOCK_EX|LOCK_NB) = 0
"""


def test_the_lock_counts_from_when_it_is_held_to_when_it_is_given_back() -> None:
    assert held(f"""{LOCKED}
        1 mkdir("within", 0777) = 0
        1 mkdir("/q", 0777) = 0
        1 mkdir("across", 0777 <unfinished ...>
        1 flock(3</p/pyproject.toml>, LOCK_UN) = 0
        1 <... mkdir resumed>) = 0
        1 mkdir("after", 0777) = 0
    """) == {
        "/p/before": False,
        "/p/within": True,
        "/q": False,
        "/p/across": False,
        "/p/after": False,
    }


def test_a_lock_that_was_not_got_is_none() -> None:
    assert held("""
        1 openat(AT_FDCWD</p>, "pyproject.toml", O_RDONLY) = 3</p/pyproject.toml>
        1 flock(3</p/pyproject.toml>, LOCK_EX|LOCK_NB) = -1 EAGAIN (Try again)
        1 mkdir("a", 0777) = 0
    """) == {"/p/a": False}


def test_the_lock_lasts_as_long_as_somebody_has_its_file() -> None:
    assert held(f"""{LOCKED}
        1 clone(child_stack=NULL, flags=SIGCHLD, child_tidptr=0x7f) = 2
        1 close(3</p/pyproject.toml>) = 0
        1 mkdir("a", 0777) = 0
        2 dup(3</p/pyproject.toml>) = 4</p/pyproject.toml>
        2 execve("/bin/sh", ["sh"], 0x7f /* 1 vars */) = 0
        1 mkdir("b", 0777) = 0
        2 +++ exited with 0 +++
        1 mkdir("c", 0777) = 0
    """) == {"/p/before": False, "/p/a": True, "/p/b": True, "/p/c": False}
    assert held(f"""{LOCKED}
        1 mkdir("a", 0777) = 0
        1 execve("/bin/sh", ["sh"], 0x7f /* 1 vars */) = 0
        1 mkdir("b", 0777) = 0
    """) == {"/p/before": False, "/p/a": True, "/p/b": False}


def test_a_file_that_is_open_is_being_written() -> None:
    assert held(f"""{LOCKED}
        1 openat(AT_FDCWD</p>, "a", O_WRONLY|O_CREAT, 0666) = 4</p/a>
        1 openat(AT_FDCWD</p>, "b", O_WRONLY|O_CREAT, 0666) = 5</p/b>
        1 vfork() = 2
        1 close_range(4, 4, 0) = 0
        1 close(5</p/b>) = 0
        2 close(5</p/b>) = 0
        1 flock(3</p/pyproject.toml>, LOCK_UN) = 0
        2 +++ exited with 0 +++
    """) == {"/p/before": False, "/p/a": False, "/p/b": True}


def test_the_lock_may_be_on_a_directory_that_the_tree_is_in() -> None:
    assert held("""
        1 openat(AT_FDCWD</p>, "..", O_RDONLY|O_DIRECTORY) = 3</>
        1 openat(AT_FDCWD</p>, "q", O_RDONLY|O_DIRECTORY) = 4</p/q>
        1 flock(4</p/q>, LOCK_EX) = 0
        1 mkdir("q/a", 0777) = 0
        1 mkdir("b", 0777) = 0
        1 flock(3</>, LOCK_EX) = 0
        1 mkdir("c", 0777) = 0
    """) == {"/p/q/a": True, "/p/b": False, "/p/c": True}


def test_a_private_tree_is_no_part_of_the_tree() -> None:
    found = of("""
        1 clone(child_stack=NULL, flags=SIGCHLD, child_tidptr=0x7f) = 2
        2 unshare(CLONE_NEWNS) = 0
        2 mount("overlay", "/p", "overlay", 0, "lowerdir=/proc/self/fd/3") = 0
        2 mount("/proc/self/fd/5", "/p/real", NULL, MS_BIND, NULL) = 0
        2 mkdir("hidden", 0777) = 0
        2 mkdir("real/seen", 0777) = 0
        1 mkdir("outside", 0777) = 0
    """)
    assert [write.path for write in found.writes] == ["/p/real/seen", "/p/outside"]


def test_sockets_and_files_without_a_name() -> None:
    found = of(r"""
        1 bind(3<socket:[1]>, {sa_family=AF_UNIX, sun_path="s"}, 110) = 0
        1 bind(3<socket:[1]>, {sa_family=AF_UNIX, sun_path=@"t"}, 110) = 0
        1 openat(AT_FDCWD</p>, ".", O_RDWR|O_TMPFILE, 0600) = 4</p/#1>(deleted)
        1 linkat(AT_FDCWD</p>, "/proc/self/fd/4", 5</q (deleted)>, "\303\274\n", 0x400) = 0
        1 renameat2(6</p/x>, "a", 7</p/y>, "b", RENAME_NOREPLACE) = 0
        1 openat2(6</p/x>, "c", {flags=O_RDWR|O_CREAT|O_EXCL, mode=0600}, 24) = 8</p/x/c>
    """)
    assert [(write.path, write.is_new) for write in found.writes] == [
        ("/p/s", True),
        ("/q/ü\n", True),
        ("/p/x/a", False),
        ("/p/y/b", False),
        ("/p/x/c", True),
    ]
