"""Telling whether two compiled files differ in their debugging symbols alone.

The symbols hold the paths of the sources. Of a source that is generated in ``build_temp`` that is
another one when ``build_temp`` is somewhere else; the code is not.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

_ELF = b"\x7fELF"


def equal_without_debugging_symbols(one: bytes, other: bytes) -> bool:
    """Tell whether two ELF files are the same without their symbols.

    The identification that the linker makes of all the content goes with them. Without binutils,
    and for what is no ELF file, the answer is no.
    """
    tool = shutil.which("objcopy")
    if tool is None or not (one.startswith(_ELF) and other.startswith(_ELF)):
        return False
    return _stripped(tool, one) == _stripped(tool, other)


def _stripped(tool: str, content: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        before, after = Path(directory, "before"), Path(directory, "after")
        before.write_bytes(content)
        command = [tool, "--strip-debug", "--remove-section=.note.gnu.build-id"]
        subprocess.run([*command, str(before), str(after)], check=True, capture_output=True)
        return after.read_bytes()
