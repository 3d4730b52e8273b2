"""Calls in a fresh interpreter, for tests of them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from isolated_backend import interpreter


def call(function: Callable[..., Any], *arguments: Any, root: str | Path = os.sep) -> Any:
    """Call *function* in a fresh interpreter."""
    return interpreter.call("a test", str(root), function, *arguments)


def evaluate(text: str) -> Any:
    """Evaluate *text* in a fresh interpreter."""
    return call(eval, text)


def script(text: str, *words: str, **popen: Any) -> subprocess.CompletedProcess[str]:
    """Run *text*, in which ``call`` calls a function in a fresh interpreter, with its output."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPT + textwrap.dedent(text), *words],
        capture_output=True,
        text=True,
        check=False,
        **popen,
    )


SCRIPT = """
import os, signal, sys, textwrap
from functools import partial
from isolated_backend import interpreter

def call(function, *arguments):
    return interpreter.call("a test", os.getcwd(), function, *arguments)

def run(text):
    return call(exec, "import os, signal, sys\\n" + textwrap.dedent(text), {})

"""
