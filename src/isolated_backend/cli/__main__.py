"""``python -m isolated_backend.cli``: the same as ``isolated-backend``."""

import sys

from . import main

sys.exit(main())
