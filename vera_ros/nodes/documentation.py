# SPDX-License-Identifier: Apache-2.0
"""Writes the parameter tables: `python -m vera_ros.nodes.documentation FILE`."""

import argparse
import re
from pathlib import Path

from vera_ros.nodes.common.parameters import markdown_table
from vera_ros.nodes.declared import PARAMETERS


def fill_in_tables(text: str) -> str:
    """Return the text with every node's table between its two markers as it is declared now."""
    for node, parameters in PARAMETERS.items():
        begin, end = f"<!-- parameters of {node} -->", f"<!-- end of {node} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"the text needs the markers {begin} and {end}, once")
        before, after = pattern.split(text)
        text = f"{before}{begin}\n\n{markdown_table(parameters)}\n\n{end}{after}"
    return text


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="a Markdown file with the tables' markers")
    file = parser.parse_args().file
    file.write_text(fill_in_tables(file.read_text()))


if __name__ == "__main__":
    main()
