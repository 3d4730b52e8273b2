"""Which programs count as writers of a tree, by their command lines."""

from __future__ import annotations

import shlex

import pytest

from isolated_backend.writers.programs import Effects, effects

#: What only asks, started in the root.
ASKING = [
    "git describe --tags --long",
    "git -C sub rev-parse HEAD",
    "/usr/bin/git archive --prefix=x/ HEAD",
    "hg id -i",
    "svn info",
    "uname -p",
    "ldconfig -p",
    "pkg-config --cflags --libs zlib",
    "/usr/lib/postgresql/16/bin/pg_config --includedir",
    "llvm-config-15 --version",
    "python3-config --ldflags",
    "x86_64-linux-gnu-pkg-config --libs x",
    "cargo --version",
    "./tool -V",
    "rustc --version --verbose",
    "npm -v",
    "gcc -print-multiarch",
    "gcc -E -dM -",
    "env LC_ALL=C git log -1",
    "sh -c 'git describe | cut -c1-8 2>/dev/null'",
    "bash -c 'pkg-config --exists x && pkg-config --libs x 2>&1'",
    "python3.11 -m cmake --version",
    "FOO=1 git tag",
    "cmd /u /c vcvarsall.bat x64 && set",
    "python -c 'from multiprocessing.resource_tracker import main; main(5)'",
]

#: What may write into the root, started there.
WRITING = [
    "swig -python -o pkg/ex_wrap.c pkg/ex.i",
    "npm run build",
    "cargo build --release",
    "msgfmt -o pkg/x.mo x.po",
    "python -m grpc_tools.protoc -I. --python_out=. pkg/a.proto",
    "python gen.py --version-file x",
    "python gen.py -m git",
    "python -m gen -v",
    "python -m tools.gen_config",
    "make version",
    "make --print-directory",
    "npm version",
    "ninja -v",
    "tools/mk --verbose",
    "./gen version",
    "./gen -v",
    "../tools/gen_config",
    "/root/p/tools/head",
    "sh -c './gen -v'",
    "env -i ./gen -v",
    "python -c 'print(1)'",
    "./git-like describe",
    "git submodule update --init",
    "git clone https://example.com/x third_party/x",
    "make -C native OUT=../",
    "cmake -S . -B build",
    "cmake .",
    "ninja",
    "gcc -c a.c",
    "gcc -c a.c -o pkg/a.o",
    "gcc -shared -opkg/x.so /slot/a.o",
    "ccache gcc -c a.c",
    "ar rcs libx.a /slot/a.o",
    "ranlib lib/libx.a",
    "strip pkg/x.so",
    "sh -c 'git describe > VERSION'",
    "sh -c 'cd sub && ./gen'",
    "sh -c 'echo $(date)'",
    'sh -c "it\'s not closed"',
    "sh gen.sh",
    "env -i ./gen",
    "cl /c a.c /Foa.obj",
    "gcc /slot/a.o -o generate",
    "/slot/build/temp/generate",
    "/slot/build/temp/generate pkg/table.h",
    "sh -c '/slot/build/temp/_configtest > pkg/config.h'",
    "/slot/build/temp/_configtest pkg/config.h",
]

#: What writes elsewhere, started in the root.
ELSEWHERE = [
    "x86_64-linux-gnu-gcc-12 -pthread -Iinclude -c src/a.c -o /slot/build/temp/src/a.o",
    "clang++-15 -shared /slot/a.o -o /slot/build/lib/x.so",
    "sccache env CCACHE=1 g++ -c a.cc -o /slot/a.o -MF /slot/a.d",
    "gcc -shared -o/slot/x.so /slot/a.o",
    "cl.exe /c a.c /Fo/slot/a.obj",
    "ld.gold -r a.o -o /slot/b.o",
    "ar rcs /slot/libx.a /slot/a.o",
    "ranlib /slot/libx.a",
    "strip -s /slot/x.so",
    "cmake -S . -B/slot/build",
    "cmake --build /slot/build",
    "ninja -C /slot/build",
    "python -m ninja -C /slot/build",
]


def writes(command: str) -> bool:
    return any(
        path.startswith("/root/p") for path in effects(shlex.split(command), "/root/p").writes
    )


@pytest.mark.parametrize("command", ASKING)
def test_a_question_writes_nothing(command: str) -> None:
    assert effects(shlex.split(command), "/root/p") in (Effects(), Effects(reads=("/",)))


@pytest.mark.parametrize("command", WRITING)
def test_what_may_write_here_counts(command: str) -> None:
    assert writes(command)


@pytest.mark.parametrize("command", ELSEWHERE)
def test_what_writes_where_it_is_told_does_not(command: str) -> None:
    assert not writes(command)


def test_a_path_in_an_option_counts_wherever_the_program_runs() -> None:
    found = effects(["protoc", "-I/root/p", "--python_out=/root/p/pkg", "a.proto"], "/slot")
    assert found.writes == ("/slot", "/root/p", "/root/p/pkg")


def test_a_compiler_reads_what_it_is_given() -> None:
    found = effects(["gcc", "-I../include", "-c", "../shared/a.c", "-o", "/slot/a.o"], "/root/p")
    assert found == Effects(("/slot/a.o",), ("/root/include", "/root/shared/a.c", "/slot/a.o"))


@pytest.mark.parametrize("words", ["{}", "ccache {}", "{} -pthread"])
def test_what_the_environment_calls_a_compiler_is_one(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = "/opt/holding -c pkg/x.c -o /elsewhere/x.o"
    assert "/root" in effects(command.split(), "/root").writes
    monkeypatch.setenv("CC", words.format("/opt/holding"))
    assert effects(command.split(), "/root").writes == ("/elsewhere/x.o",)


@pytest.mark.parametrize("command", ["cmake ..", "ninja", "make"])
def test_a_build_elsewhere_is_not_certain(command: str) -> None:
    found = effects(shlex.split(command), "/slot/build")
    assert found.writes == ("/slot/build",)
    assert not found.is_certain


def test_a_probe_of_distutils_does_not_but_is_not_certain() -> None:
    """``try_run`` runs what it has just linked in the shadow, where setuptools would run it."""
    probe = "/slot/root/p/_configtest"
    for command in (f"{probe}", f"{probe}.exe", f"nice {probe}"):
        assert effects(command.split(), "/root/p") == Effects(is_certain=False)


def test_nothing_does_nothing() -> None:
    assert effects([], "/root/p") == Effects()
