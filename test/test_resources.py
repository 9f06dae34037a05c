# SPDX-License-Identifier: Apache-2.0
"""A file that is not there is named by its parameter, with those that are."""

from pathlib import Path

import pytest

from vera_ros.errors import ConfigurationError
from vera_ros.resources import given_file


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("panda_limit.yaml", ("panda_limits.yaml", "fr3_limits.yaml")),
        ("config/panda_limits.yaml", ("panda_limits.yaml", "begins with /")),
        ("/nowhere/limits.yaml", ("no file '/nowhere/limits.yaml'", "panda_limits.yaml")),
        ("~/limits.yaml", ("~/limits.yaml'; '", "panda_limits.yaml")),
        ("package://franka_description/panda.urdf", ("package://", "ros2 pkg prefix --share")),
        ("file:///tmp/panda.urdf", ("are not read here",)),
        ("", ("there is no file",)),
        ("..", ("there is no file",)),
    ],
)
def test_a_file_that_is_not_there(value: str, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError) as error:
        given_file("limits", value, "config")
    for word in (f"parameter 'limits' is '{value}'", *words):
        assert word in str(error.value)


def test_files_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.touch()
    assert given_file("limits", str(path), "config") == path
    assert given_file("limits", "direct.yaml", "config").is_file()
    with pytest.raises(ConfigurationError, match=r"has mine.yaml: name one"):
        given_file("limits", str(tmp_path / "yours.yaml"), "config")
