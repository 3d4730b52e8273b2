"""What a user of the command line reads when a command cannot do its work."""

from __future__ import annotations


class CommandError(Exception):
    """A command cannot go on; its text is one sentence for the user."""
