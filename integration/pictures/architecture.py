"""How builds of one project root go about: where each reads, works and publishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class _Scheme:
    """Colours."""

    ink: str
    soft: str
    line: str
    box: str
    read: str
    work: str
    whole: str


_SCHEMES = {
    "light": _Scheme("#1f2328", "#57606a", "#8c959f", "#f6f8fa", "#0969da", "#bc4c00", "#1a7f37"),
    "dark": _Scheme("#e6edf3", "#9198a1", "#6e7681", "#161b22", "#58a6ff", "#f0883e", "#56d364"),
}

_WIDTH, _HEIGHT = 920, 468

_STYLE = """\
text { font-family: -apple-system, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
.code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }\
"""


def draw() -> Mapping[str, str]:
    """Return the picture by scheme: ``light`` and ``dark``."""
    return {name: _Drawing(scheme).text() for name, scheme in _SCHEMES.items()}


class _Drawing:
    """A picture in the making."""

    def __init__(self, scheme: _Scheme) -> None:
        self._scheme = scheme
        self._parts: list[str] = []

    def text(self) -> str:
        """Return the picture as SVG."""
        scheme = self._scheme
        self._root()
        self._shadows()
        self._output()
        for number, (frontend, hook) in enumerate(_BUILDS):
            self._build(number, frontend, hook)
        heads = "\n".join(
            f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{colour}"/></marker>'
            for name, colour in (
                ("read", scheme.read),
                ("work", scheme.work),
                ("whole", scheme.whole),
            )
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            f'role="img">\n<title>{_TITLE}</title>\n<style>\n{_STYLE}\n</style>\n'
            f"<defs>\n{heads}\n</defs>\n" + "\n".join(self._parts) + "\n</svg>\n"
        )

    def _root(self) -> None:
        scheme = self._scheme
        self._box(20, 46, 196, 264)
        self._words(20, 32, "project root", weight=600)
        self._words(216, 32, "is only read", size=13, colour=scheme.read, anchor="end")
        self._words(34, 72, _ROOT, code=True, size=13, colour=scheme.soft)
        names = ["pyproject.toml", "setup.py", "MANIFEST.in", "src/", "  demo/", "tests/", ".git/"]
        for line, name in enumerate(names):
            self._words(48, 94 + 22 * line, name, code=True)
        for line, name in enumerate(["no build/", "no *.egg-info", "no demo-1.0/"]):
            self._words(48, 258 + 20 * line, name, code=True, size=13, colour=scheme.soft)

    def _shadows(self) -> None:
        scheme = self._scheme
        self._box(556, 46, 344, 264)
        self._words(556, 32, "shadows, in TMPDIR", weight=600)
        self._words(900, 32, "0700, a lock each", size=13, colour=scheme.work, anchor="end")
        self._words(
            572, 72, "isolated-backend.UID/demo-HASH/", code=True, size=13, colour=scheme.soft
        )
        for number, files in enumerate(_FILES):
            top = 86 + 74 * number
            self._box(572, top, 312, 62, colour=scheme.work)
            place = f"{number}{_ROOT}"
            self._words(584, top + 20, place, code=True, size=13, weight=600, colour=scheme.work)
            for line, name in enumerate(files):
                self._words(600, top + 38 + 17 * line, name, code=True, size=13)

    def _output(self) -> None:
        scheme = self._scheme
        self._box(20, 372, 880, 76)
        self._words(40, 402, "output directory, e.g. dist/", weight=600)
        self._words(40, 428, "an artifact is there whole, or not at all", size=13)
        self._words(880, 402, "demo-1.0.tar.gz", code=True, colour=scheme.whole, anchor="end")
        name = "demo-1.0-py3-none-any.whl"
        self._words(880, 428, name, code=True, colour=scheme.whole, anchor="end")
        self._arrow(728, 310, 728, 370, "whole")
        self._words(740, 346, "one rename", size=13, colour=scheme.whole)

    def _build(self, number: int, frontend: str, hook: str) -> None:
        scheme = self._scheme
        top = 86 + 74 * number
        self._box(314, top, 144, 62)
        self._words(386, top + 26, frontend, weight=600, anchor="middle")
        self._words(386, top + 47, hook, code=True, size=12, anchor="middle", colour=scheme.soft)
        self._arrow(216, top + 31, 311, top + 31, "read")
        self._words(264, top + 24, "reads", size=12, anchor="middle", colour=scheme.read)
        self._arrow(458, top + 31, 569, top + 31, "work")
        self._words(514, top + 24, "works in", size=12, anchor="middle", colour=scheme.work)

    def _box(self, x: int, y: int, width: int, height: int, colour: str = "") -> None:
        scheme = self._scheme
        self._parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" '
            f'fill="{scheme.box}" stroke="{colour or scheme.line}" stroke-width="1.5"/>'
        )

    def _words(
        self,
        x: int,
        y: int,
        words: str,
        *,
        size: int = 15,
        weight: int = 400,
        colour: str = "",
        anchor: str = "start",
        code: bool = False,
    ) -> None:
        kind = ' class="code"' if code else ""
        space = ' xml:space="preserve"' if "  " in words else ""
        self._parts.append(
            f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" '
            f'fill="{colour or self._scheme.ink}" text-anchor="{anchor}"{kind}{space}>'
            f"{escape(words)}</text>"
        )

    def _arrow(self, x: int, y: int, to_x: int, to_y: int, kind: str) -> None:
        colour = getattr(self._scheme, kind)
        self._parts.append(
            f'<path d="M{x},{y} L{to_x},{to_y}" stroke="{colour}" stroke-width="2" '
            f'fill="none" marker-end="url(#{kind})"/>'
        )


_TITLE = "Each build reads the project root, works in a shadow of its own, and publishes once"

_BUILDS = [("tox", "build_sdist"), ("uv", "build_wheel"), ("build", "build_wheel")]

_ROOT = "/home/me/demo/"

_FILES = [
    ["demo-1.0/", "src/demo.egg-info/   dist/"],
    ["build/lib/   build/bdist.*/", "src/demo.egg-info/   dist/"],
    ["build/lib/   build/bdist.*/", "src/demo.egg-info/   dist/"],
]
