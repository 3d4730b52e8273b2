"""Make the pictures in ``docs/pictures``, each for a light and for a dark page."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import architecture, check

PICTURES = {"architecture": architecture.draw, "check": check.draw}

PLACE = Path(__file__).parents[2] / "docs" / "pictures"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m integration.pictures",
        description="Make the documentation's pictures; `check` fetches and builds a project.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PICTURES))
    names = parser.parse_args().names or list(PICTURES)
    if unknown := set(names) - set(PICTURES):
        parser.error(f"there is no picture {', '.join(sorted(unknown))}")
    for name in names:
        for scheme, text in PICTURES[name]().items():
            path = PLACE / f"{name}-{scheme}.svg"
            path.write_text(text, encoding="utf-8")
            print(path)


if __name__ == "__main__":
    main()
