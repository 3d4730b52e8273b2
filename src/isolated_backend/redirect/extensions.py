"""Extensions that are compiled at the same time: each has a directory for its objects."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .replacement import Replacements

if TYPE_CHECKING:
    from ..call import Call
    from .replacement import Method

replaces = Replacements("build_wheel", "build_editable")


@replaces("distutils.command.build_ext", "build_ext", "build_extension")
def _own_objects(call: Call, original: Method, self: Any, ext: Any) -> None:
    """Compile an extension in a directory of its own while others are being compiled.

    The name of an object is made of ``build_temp`` and of the name of its source alone. Extensions
    that share a source and are built at once, by ``build_ext --parallel``, overwrite and link one
    another's (pypa/setuptools#3942, #5132, #5196); so do files that a project's compiler puts
    beside them, as torch's does its ``build.ninja``.

    Only in a thread that is not the hook's own: there setuptools, or a pool of the project's,
    builds several at once. One after the other they do not meet, and the objects stay where
    setuptools has them: for the project to find, and because ``--coverage`` and ``-gsplit-dwarf``
    write their paths into the binary. ``build_clib`` has no threads.

    ``build_temp`` is an attribute that the threads have in common, and what an override does
    before and after ``super().build_extension(ext)`` goes by it. So it is another only in a copy
    of the command, which lasts while setuptools itself compiles and links.
    """
    if threading.current_thread() is threading.main_thread():
        original(self, ext)
        return
    own = object.__new__(type(self))
    vars(own).update(vars(self))
    vars(own)["build_temp"] = call.shadow.apart(self.build_temp, f"extension.{ext.name}")
    original(own, ext)
    if "_built_objects" in vars(own):
        self._built_objects = own._built_objects
