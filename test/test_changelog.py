# SPDX-License-Identifier: Apache-2.0
"""The changelog has the form that catkin's and bloom's tools read."""

from pathlib import Path

import pytest

changelogs = pytest.importorskip("catkin_pkg.changelog")

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CHANGELOG.rst").read_text()
FORTHCOMING = "Forthcoming\n-----------\n"


def test_it_is_of_this_package_and_has_what_is_forthcoming() -> None:
    assert TEXT.splitlines()[1] == "Changelog for package vera_ros"
    assert TEXT.count(FORTHCOMING) == 1


def test_catkins_tools_read_it_once_it_is_released(tmp_path: Path) -> None:
    """As `catkin_prepare_release` does, which puts a version in the place of what is to come."""
    release = "9.9.9 (2030-01-01)\n------------------\n"
    (tmp_path / "CHANGELOG.rst").write_text(TEXT.replace(FORTHCOMING, release))
    versions = list(changelogs.get_changelog_from_path(str(tmp_path)).foreach_version())
    newest, _, entries = versions[0]
    assert newest == "9.9.9"
    (bullets,) = entries
    assert len(bullets.bullets) == TEXT.split(FORTHCOMING)[1].split("\n-----")[0].count("\n* ")
