# SPDX-License-Identifier: Apache-2.0
"""The README says what the code says."""

import re

from vera_ros.nodes.documentation import fill_in_tables
from vera_ros.resources import share_path

README = share_path("package.xml").parent / "README.md"


def test_parameter_tables_are_those_of_the_declarations() -> None:
    text = README.read_text()
    assert fill_in_tables(text) == text, "run: python -m vera_ros.nodes.documentation README.md"


def test_files_and_folders_that_it_names_exist() -> None:
    text = README.read_text()
    named = re.findall(r"`((?:vera_ros|config|launch|description|scripts)/[^`*<]*)`", text)
    assert len(named) > 10
    for name in named:
        path = README.parent / name.split(" ")[0]
        assert path.exists(), name
