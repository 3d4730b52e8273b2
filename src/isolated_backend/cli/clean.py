"""``isolated-backend clean``: what killed builds have left, removed."""

from __future__ import annotations

from rich.filesize import decimal

from . import shadows
from .errors import CommandError
from .shadows import counted


def command(*, kept: bool) -> int:
    """Empty this user's shadows that no build is using, say so, and return the exit status.

    Args:
        kept: those that were to be kept, too.

    Raises:
        CommandError: there is no directory for temporary files, or one cannot be emptied.
    """
    temporary = shadows.temporary()
    try:
        done = shadows.emptied(temporary, kept=kept)
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be emptied: {error.strerror}.") from error
    for path in done.emptied:
        print(f"emptied {path}")
    if done.compiled:
        print(f"removed the compiled files in {done.compiled}")
    left = [f"; {done.in_use} in use"] * bool(done.in_use)
    left += [f"; {done.kept} kept (`--kept` empties them, too)"] * bool(done.kept)
    count = counted(len(done.emptied), "shadow")
    print(f"{count} emptied in {temporary}, {decimal(done.size)} freed{''.join(left)}.")
    return 0
