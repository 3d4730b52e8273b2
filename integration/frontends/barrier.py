"""Wait for the start, then become another program.

Run as ``python barrier.py READY START COMMAND...``: tells through the descriptor ``READY`` that
it is there, waits until the other end of ``START`` is closed, and executes ``COMMAND``. The two
descriptors end here; the program does not inherit them.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    ready, start = int(sys.argv[1]), int(sys.argv[2])
    os.write(ready, b".")
    os.close(ready)
    os.read(start, 1)
    os.close(start)
    os.execv(sys.argv[3], sys.argv[3:])


if __name__ == "__main__":
    main()
