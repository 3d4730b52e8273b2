"""The real frontends, alone and together: what runs them, and what they are put through."""

from __future__ import annotations

from .run import (
    OURS,
    PLAIN,
    Command,
    Finished,
    Members,
    Reference,
    build_command,
    collides,
    contents,
    environment,
    failures,
    modes,
    reference,
    run,
    run_at_once,
)

__all__ = [
    "OURS",
    "PLAIN",
    "Command",
    "Finished",
    "Members",
    "Reference",
    "build_command",
    "collides",
    "contents",
    "environment",
    "failures",
    "modes",
    "reference",
    "run",
    "run_at_once",
]
