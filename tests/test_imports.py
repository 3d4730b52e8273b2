"""What setuptools imports for nothing is imported when somebody uses it."""

from __future__ import annotations

import subprocess
import sys

import pytest

DEFERRED = """
import gc, sys
from isolated_backend.redirect import load
assert "ssl" not in sys.modules
load("setuptools.build_meta")
assert gc.isenabled()
"""
IMPORTED = """
import setuptools.build_meta
"""

#: What a setup.py may do, whether it has imported the module or trusts setuptools to have done it.
USES = {
    "import urllib.request": "import urllib.request\nurllib.request.urlopen",
    "from it": "from urllib.request import urlopen",
    "under another name": "import urllib.request as r\nr.urlopen",
    "from the package": "from urllib import request\nrequest.urlopen",
    "without importing it": "import urllib\nurllib.request.urlopen",
    "what it imports": "import urllib\nurllib.error.URLError",
    "from setuptools' own": (
        "(context,) = (module for name, module in sys.modules.items()\n"
        "              if name.endswith('jaraco.context'))\n"
        "context.urllib.request.urlopen"
    ),
}


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )


def test_the_client_for_downloads_is_not_imported() -> None:
    tell = "import sys\nprint('http.client' in sys.modules, 'urllib.request' in sys.modules)"
    assert run(DEFERRED + tell).stdout == "False False\n"


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_who_uses_it_has_it(use: str) -> None:
    tell = "\nassert sys.modules['urllib.request'].urlopen.__module__ == 'urllib.request'\n"
    for script in (DEFERRED, IMPORTED):
        done = run("import sys\n" + script + use + tell)
        assert done.returncode == 0, done.stderr


def test_the_package_lacks_what_it_lacks() -> None:
    ask = "import urllib\ntry: urllib.nothing\nexcept AttributeError as error: print(error)\n"
    assert run(DEFERRED + ask).stdout == run(IMPORTED + ask).stdout != ""


def test_whoever_looks_at_all_modules_finds_them_unchanged() -> None:
    look = "for module in sys.modules.values(): getattr(module, '__version__', None)\n"
    done = run("import sys\n" + DEFERRED + look)
    assert done.returncode == 0, done.stderr


def test_another_ones_hook_on_the_package_stays() -> None:
    script = "import urllib\nurllib.__getattr__ = hook = lambda name: name\n" + DEFERRED
    assert run(script + "assert urllib.__getattr__ is hook").returncode == 0


@pytest.mark.parametrize(
    "use",
    [
        "import urllib.request\nassert urllib.request.urlopen",
        "from urllib.request import urlopen",
        "import urllib.request as r\nassert r.urlopen",
    ],
)
def test_a_setuptools_that_uses_it_at_once_has_it(use: str) -> None:
    script = "from isolated_backend.redirect.imports import deferred\nwith deferred():\n    "
    done = run(script + use.replace("\n", "\n    "))
    assert done.returncode == 0, done.stderr


def test_collecting_garbage_stays_off_where_it_was_off() -> None:
    script = "import gc\ngc.disable()\n" + DEFERRED.replace("gc.isen", "not gc.isen")
    assert run(script).returncode == 0


GARBAGE = """
import gc
from isolated_backend.redirect.imports import garbage_kept
gc.collect()
{before}
young = []
with garbage_kept():
    young += [[] for _ in range(100_000)]
"""


def test_what_was_imported_is_old_and_not_frozen() -> None:
    script = GARBAGE.format(before="") + (
        "assert gc.isenabled() and not gc.get_freeze_count()\n"
        "assert len(gc.get_objects(generation=0)) < 10_000 < len(gc.get_objects())\n"
    )
    assert run(script).returncode == 0


def test_what_somebody_has_frozen_stays_so() -> None:
    script = GARBAGE.format(before="gc.freeze()\nfrozen = gc.get_freeze_count()") + (
        "assert gc.get_freeze_count() == frozen\n"
    )
    assert run(script).returncode == 0


def test_what_is_frozen_meanwhile_stays_so() -> None:
    script = GARBAGE.format(before="") + (
        "with garbage_kept():\n    gc.freeze()\nassert gc.get_freeze_count() > 100_000\n"
    )
    assert run(script).returncode == 0
