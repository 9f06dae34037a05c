# SPDX-License-Identifier: Apache-2.0
"""Writes the pages of docs/reference that come from declarations.

`python -m vera_ros.nodes.documentation docs/reference`
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from vera_ros.nodes.common.parameters import markdown_table
from vera_ros.nodes.declared import PARAMETERS

_INTERFACES = Path(__file__).parents[2] / "vera_ros_interfaces"
_KINDS = {
    "msg": ("Messages", ("",)),
    "srv": ("Services", ("Request", "Response")),
    "action": ("Actions", ("Goal", "Result", "Feedback")),
}
_CONSTANT = re.compile(r"\w+ (?P<name>[A-Z]\w*) = (?P<value>\d+)\s*(?:# ?(?P<text>.*))?")
_FIELD = re.compile(r"(?P<type>[\w/\[\]]+) (?P<name>[a-z]\w*)\s*(?:# ?(?P<text>.*))?")
_DO = " -> "  # in a constant's comment: what it means, and what to do


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


def interface_page() -> str:
    """Return the page of all messages, services and actions, from their definitions."""
    lines = ["# Messages, services, actions: every field and constant", ""]
    for kind, (title, parts) in _KINDS.items():
        lines += [f"## {title}", ""]
        for file in sorted((_INTERFACES / kind).glob(f"*.{kind}")):
            lines += [f"### {file.stem}", ""]
            sections = file.read_text().split("\n---\n")
            for part, section in zip(parts, sections, strict=True):
                lines += _section(part, section)
    return "\n".join(lines).rstrip() + "\n"


def _section(part: str, section: str) -> Iterator[str]:
    """The comments, constants and fields of a message, or of one part of a service or action."""
    if part:
        yield from (f"**{part}**", "")
    rows: list[tuple[str, ...]] = []
    for line in [*section.splitlines(), ""]:
        if (constant := _CONSTANT.fullmatch(line)) is not None:
            meaning, _, todo = (constant["text"] or "").partition(_DO)
            rows.append((f"`{constant['name']}`", constant["value"], meaning, todo))
        elif (field := _FIELD.fullmatch(line)) is not None:
            rows.append((f"`{field['name']}`", f"`{field['type']}`", field["text"] or ""))
        else:
            yield from _table(rows)
            rows.clear()
            if line.startswith("# "):
                yield line[2:]
            elif not line:
                yield ""
    if not section.strip():
        yield from ("(empty)", "")


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    heads = ["field", "type", "meaning"]
    if len(rows[0]) == 4:
        heads = ["constant", "value", "meaning", "what to do"]
        if not any(row[3] for row in rows):
            heads, rows = heads[:3], [row[:3] for row in rows]
    yield ""
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of the pages, docs/reference")
    folder = parser.parse_args().folder
    parameters = folder / "parameters.md"
    parameters.write_text(fill_in_tables(parameters.read_text()))
    (folder / "messages.md").write_text(interface_page())


if __name__ == "__main__":
    main()
