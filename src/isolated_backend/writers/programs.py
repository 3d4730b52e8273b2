"""Which programs may write into a source tree, by their command lines.

A program that is not known to only ask, or to only write where it is told to, may write in its
current directory, and to any path that its command line names. When unsure, it counts.
"""

from __future__ import annotations

import os
import re
import shlex
from itertools import dropwhile, groupby
from typing import NamedTuple

#: They only ask, as any program does with such arguments. A project's own may be called anything.
_ASKS = re.compile(
    r"\[|arch|basename|brew|cat|cut|date|dirname|dpkg-\w+|echo|false|file|getconf|grep|head|hostname|"
    r"id|ldconfig|ldd|locale|ls|lsb_release|lscpu|mdfind|nm|nproc|nvidia-smi|objdump|otool|pkgconf|"
    r"printf|pwd|readelf|readlink|realpath|set|size|stat|sw_vers|sysctl|tail|test|tr|true|uname|"
    r"vcvarsall\.bat|vswhere|wc|whereis|which|whoami|xcode-select|.*[-_]config"
)
_QUESTION = re.compile(r"--?(version|[Vh]|vV|help|dump\w+|print-(?!directory).*)")

#: They only ask, but for these commands.
_VERSION_CONTROL = re.compile(r"git|hg|svn")
_CHANGING = re.compile(
    r"am|apply|checkout|clean|clone|co|init|lfs|merge|mv|pull|rebase|reset|restore|revert|rm|stash|"
    r"submodule|switch|sparse-checkout|unpack|up|update|worktree"
)

#: They run the program that follows, or the commands in an argument.
_WRAPPER = re.compile(r"ccache|distcc|env|nice|sccache|stdbuf|time|xcrun")
_SHELL = re.compile(r"(ba|da|k|z)?sh")

#: They write what an option names, and only without one into the current directory.
_COMPILER = re.compile(
    r"(.*-)?(as|c\+\+|cc|cl|clang(\+\+)?|g\+\+|gcc|gfortran|hipcc|i[cf][cpx]+|ifort|ld(\.\w+)?|lib|link|"
    r"mt|nasm|nvcc|rc|tcc|yasm)"
)
_OUTPUT = re.compile(r"(?:-o|-MF|[-/]F[oedp]|[-/](?i:out|implib|pdb|manifestfile):)(.*)")
#: The variables that name one which may be called anything (``distutils.sysconfig``).
_NAMING = ("CC", "CXX", "CPP", "LDSHARED", "LDCXXSHARED", "FC", "F77", "F90")
_NO_OUTPUT = re.compile(r"-(E|MM?|fsyntax-only)")

#: They write to files that they name.
_ARCHIVER = re.compile(r"(.*-)?(ar|dsymutil|install_name_tool|ranlib|strip)")

#: They mostly write into the directory that an option names, or else into the current one.
_BUILDER = re.compile(r"cmake|[gn]?make|meson|ninja")
_DIRECTORY = re.compile(r"(?:-B|-C|--build|--install)(.*)")

_OPERATORS = frozenset("();&|")


class Effects(NamedTuple):
    """The paths that a program may write to, and those that it may read."""

    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    is_certain: bool = True  # that it writes nowhere else


def effects(words: list[str], directory: str, *, is_own: bool = False) -> Effects:
    """Return what the program with the command line *words* does in its current *directory*."""
    words = list(dropwhile(lambda word: re.match(r"\w+=", word), words))  # variables, in a shell
    if not words:
        return Effects()
    name = re.sub(r"(-?\d[\d.]*)?(\.exe)?$", "", os.path.basename(words[0]).lower())
    arguments = words[1:]
    if os.path.dirname(words[0]):
        is_own = words[0].startswith(os.path.join(directory, "")) or not os.path.isabs(words[0])
    questions = {word for word in arguments if _QUESTION.fullmatch(word)}
    if questions and {"-v", "--verbose"}.issuperset({*arguments} - questions):
        return Effects()
    if not is_own and (_ASKS.fullmatch(name) or (arguments == ["-v"] and name != "ninja")):
        return Effects()
    if _VERSION_CONTROL.fullmatch(name) and not any(map(_CHANGING.fullmatch, arguments)):
        return Effects()
    if _WRAPPER.fullmatch(name):
        return effects(list(dropwhile(lambda word: word[0] == "-", arguments)), directory)
    if name == "_configtest" and not arguments:  # of distutils' try_run, to return a status
        return Effects(is_certain=False)
    if name == "cmd":
        return _effects_of_script(" ".join(a for a in arguments if a[:1] != "/"), directory)
    if _SHELL.fullmatch(name) and (script := _after(r"-\w*c", arguments)):
        return _effects_of_script(script[0], directory)
    if name.startswith(("python", "pypy")):
        if module := _after("-m", arguments):
            return effects(module, directory, is_own=True)
        if any("multiprocessing.resource_tracker import" in word for word in arguments):
            return Effects()
    named = _joined(directory, _paths(arguments))
    named_compilers = " ".join(os.environ.get(variable, "") for variable in _NAMING).split()
    if _COMPILER.fullmatch(name) or words[0] in named_compilers:
        outputs = _values(_OUTPUT, arguments)
        if not outputs and not any(map(_NO_OUTPUT.fullmatch, arguments)):
            outputs = [""]
        return Effects(_joined(directory, outputs), named)
    if _ARCHIVER.fullmatch(name):
        files = [word for word in arguments[name.endswith("ar") :] if word[:1] != "-"]
        return Effects(_joined(directory, files))
    if _BUILDER.fullmatch(name):
        place = [*_values(_DIRECTORY, arguments), ""][:1]
        return Effects(_joined(directory, place), named, is_certain=False)
    return Effects((directory, *named), is_certain=False)


def _effects_of_script(script: str, directory: str) -> Effects:
    """Return what the commands of a shell *script* do, if it is a simple one."""
    script = re.sub(r"[12&]?>\s*(?:&[12]|/dev/null)", "", script).replace("\n", ";")
    try:
        lexer = shlex.shlex(script, posix=os.name == "posix", punctuation_chars=True)
        lexer.whitespace_split = True
        groups = groupby(lexer, key=lambda word: set(word) <= _OPERATORS)
        commands = [list(words) for is_operator, words in groups if not is_operator]
    except ValueError:
        commands = []
    if not commands or re.search(r"[$`<>{]", script):
        return Effects((directory,), is_certain=False)
    found = [effects(command, directory) for command in commands]
    return Effects(
        tuple(path for each in found for path in each.writes),
        tuple(path for each in found for path in each.reads),
        all(each.is_certain for each in found),
    )


def _after(option: str, arguments: list[str]) -> list[str]:
    """Return what follows *option*, if that comes before any other word than options."""
    words = dropwhile(lambda word: word[:1] == "-" and not re.fullmatch(option, word), arguments)
    return list(words) if re.fullmatch(option, next(words, "")) else []


def _paths(words: list[str]) -> list[str]:
    """Return the paths that *words* name, also those in an option (-Ipath, --option=path)."""
    parts = (part for word in words for part in re.split("[=,;]", re.sub("^--?[A-Za-z]", "", word)))
    is_path = re.compile(r"\.\.|.*[/\\].*", re.DOTALL).fullmatch
    return list(filter(is_path, parts))


def _joined(directory: str, paths: list[str]) -> tuple[str, ...]:
    return tuple(os.path.normpath(os.path.join(directory, path)) for path in paths)


def _values(option: re.Pattern[str], arguments: list[str]) -> list[str]:
    """Return the values of *option*, which may be words of their own."""
    following = iter(arguments)
    return [
        found[1] or next(following, "") for each in following if (found := option.fullmatch(each))
    ]
