# SPDX-License-Identifier: Apache-2.0
"""Sphinx's settings; scripts/docs builds the pages."""

project = "vera_ros"
author = "vera_ros maintainers"
copyright = author  # noqa: A001 - Sphinx's name
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["build"]
html_theme = "alabaster"
html_theme_options = {"page_width": "1300px", "body_max_width": "1020px", "sidebar_width": "240px"}
myst_heading_anchors = 3
# What lies outside of docs/ is not a page of it.
suppress_warnings = ["myst.xref_missing"]
