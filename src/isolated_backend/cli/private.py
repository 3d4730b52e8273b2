"""Whether a hook can have a private tree on this machine."""

from __future__ import annotations

import os
from functools import partial

from ..errors import PrivateTreeError
from ..shadow import slots
from ..writers import privatetree


def obstacle(temporary: str) -> str | None:
    """Return why there are no private trees on this machine, shown by one in *temporary*, if so."""
    with slots.lease(temporary, temporary, purpose="check") as place:
        root = os.path.join(place, "root")
        os.mkdir(root)
        try:
            privatetree.run(partial(os.mkdir, os.path.join(root, "new")), root, place)
        except PrivateTreeError as error:
            return str(error)
    return None
