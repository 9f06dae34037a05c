# SPDX-License-Identifier: Apache-2.0
"""README and pages say what the code says."""

import re
from pathlib import Path

import pytest

from docs.generate import interface_page, pages
from vera_ros.motion.causes import Cause

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
LONGEST = 220  # lines that a newcomer reads

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def test_generated_pages_are_those_of_the_declarations() -> None:
    for path, text in pages().items():
        assert path.read_text() == text, f"{path.name} is old; run: python -m docs.generate"


def test_every_cause_says_what_it_means_and_what_to_do() -> None:
    page = interface_page()
    for cause in Cause:
        if cause is not Cause.NONE:
            row = rf"^\| `{cause.name}` \| {cause.value} \| [^|]+ \| [^|]+ \|$"
            assert re.search(row, page, re.M), cause


def test_the_readme_is_for_a_newcomer() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= LONGEST


@every_page
def test_files_and_folders_that_it_names_exist(page: Path) -> None:
    named = re.findall(
        r"`((?:vera_ros|verification|config|launch|description|scripts)/[^`*<]*)`", page.read_text()
    )
    if page.name in ("README.md", "CONTRIBUTING.md"):
        assert len(named) > 10
    for name in named:
        assert (ROOT / name.split(" ")[0]).exists(), name


@every_page
def test_its_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_page_can_be_found_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    for page in ROOT.glob("docs/**/*.md"):
        assert page.stem == "index" or f"]({page.relative_to(ROOT)})" in text, page


def test_each_watchdog_names_its_code() -> None:
    text = (ROOT / "docs" / "reference" / "watchdogs.md").read_text()
    of_arm, of_episode = text.split("`policy_node` ends the episode")
    for part, package in ((of_arm, "motion"), (of_episode, "policy")):
        rows = [line for line in part.splitlines() if line.startswith("| ")][2:]
        assert len(rows) > 5
        for row in rows:
            names = re.findall(r"`([\w/]+(?:\.py|/))`", row.split("|")[-2])
            assert names, row
            for name in names:
                folder = ROOT / "vera_ros" / ("" if name.startswith("nodes/") else package)
                assert (folder / name).exists(), name
