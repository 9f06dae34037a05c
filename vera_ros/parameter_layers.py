# SPDX-License-Identifier: Apache-2.0
"""Parameter files in layers: what a later file gives wins over an earlier one.

ROS lets the block win whose key was first met last, in whichever file: `/**` in a file of one's own
would lose to `/**/ik_node` in the file before it. Between two keys of which each is also for nodes
that the other is not for, ROS decides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from vera_ros.parameter_files import Block, matches


def drop_overridden(files: Sequence[Sequence[Block]]) -> list[list[Block]]:
    """Return the blocks of each file, without what a later file gives to the same nodes."""
    return [
        [
            _without_later(block, [b for later in files[number + 1 :] for b in later])
            for block in file
        ]
        for number, file in enumerate(files)
    ]


def given_to(full_name: str, files: Sequence[Sequence[Block]]) -> dict[str, Any]:
    """Return the parameters that files give to the node of this full name; later ones win."""
    return {
        name: entry.value
        for file in drop_overridden(files)
        for block in file
        if matches(block.pattern, full_name)
        for name, entry in block.entries.items()
    }


def _without_later(block: Block, later: Sequence[Block]) -> Block:
    given = {
        name
        for other in later
        if any(name in block.entries for name in other.entries) and _covers(other, block)
        for name in other.entries
    }
    return replace(block, entries={n: e for n, e in block.entries.items() if n not in given})


def _covers(general: Block, special: Block) -> bool:
    """Return whether one block is for every node that the other is for."""
    return all(matches(general.pattern, name) for name in _examples(special.pattern))


def _examples(pattern: str) -> Iterator[str]:
    """Yield full names that a pattern matches, with each number of parts for its wildcards."""
    for parts in ([], ["any"], ["any", "any"]):
        wildcards = {"**": parts, "*": ["any"]}
        name = [part for key in pattern[1:].split("/") for part in wildcards.get(key, [key])]
        yield "".join(f"/{part}" for part in name)
