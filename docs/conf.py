"""Sphinx: the documentation is Markdown, built with warnings as errors."""

project = "isolated-backend"
author = "the isolated-backend authors"
copyright = "2026, the isolated-backend authors"  # noqa: A001
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "isolated-backend"
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpick_ignore_regex = [("py:.*", ".*")]
