# SPDX-License-Identifier: Apache-2.0
"""The remappings of parameter files: read by launch file and demo, for all nodes of the graph."""

import difflib
import re
from collections.abc import Iterable, Iterator

from vera_ros.bringup.graph_options import DEFAULT_EMBODIMENT, GraphOptions
from vera_ros.bringup.interfaces import every_name
from vera_ros.errors import ConfigurationError
from vera_ros.parameter_files import NODES, REMAPPINGS, Block, where
from vera_ros.robots.registry import SIMULATED, find_robot
from vera_ros.ros_rules import check_topic

_NEAREST = 0.5  # from this similarity (difflib) on, a name is proposed
_OF_RVIZ = ("/tf", "/tf_static")


def read_remappings(
    files: Iterable[tuple[Block, ...]], options: GraphOptions, namespace: str
) -> dict[str, str]:
    """Return what the files remap, later ones winning: name in the graph, name of the topic.

    Args:
        files: blocks of each parameter file.
        options: of the graph.
        namespace: of the graph; empty or `/`: none.

    Raises:
        ConfigurationError: a rule is malformed, given twice, or for a name that no node has.
    """
    files = list(files)
    known, prefix = _names(files, options), f"/{namespace.strip('/')}/".replace("//", "/")
    full = {name if name.startswith(("/", "~")) else f"{prefix}{name}" for name in known}
    targets: dict[str, str] = {}
    for blocks in files:
        of_file: dict[str, str] = {}
        for block in blocks:
            for number, rule in enumerate(block.remappings):
                source, target = _read(block, number, rule)
                if source in of_file:
                    raise ConfigurationError(
                        f"'{block.path}' remaps '{source}' twice, to '{of_file[source]}' and to "
                        f"'{target}'; keep one of them"
                    )
                of_file[source] = target
                topic = source.rpartition(":")[2]  # may be for one node alone
                if {topic, f"{prefix}{topic}"}.isdisjoint(full):
                    raise ConfigurationError(
                        f"{where(block, REMAPPINGS, number)}: the remapping '{rule}' changes "
                        f"nothing: no node of the graph has '{topic}'; "
                        f"{_advice(source, target, known)}"
                    )
        targets |= of_file
    return targets


def _advice(source: str, target: str, known: Iterable[str]) -> str:
    """Return what to write for a remapping of a name that no node has."""
    topics = sorted(name for name in known if name.partition("/")[0] not in ("~", *NODES))
    if target.removeprefix("/") in topics:
        return f"the graph's own name comes first: write '{target.removeprefix('/')}:={source}'"
    near = difflib.get_close_matches(source.rpartition(":")[2], topics, 3, _NEAREST)
    words = f"nearest are {', '.join(near)}: " if near else ""
    return f"{words}correct what is left of :=, or remove it"


def _read(block: Block, number: int, rule: str) -> tuple[str, str]:
    source, _, target = rule.partition(":=")
    place = where(block, REMAPPINGS, number)
    if not (source and target) or ":=" in target:
        ends = [end for end in re.split(r"(?:\s|:|=|->)+", rule) if end]
        meant = ":=".join(ends) if len(ends) == 2 else "joint_states:=/joint_states"
        raise ConfigurationError(f"{place}: remapping '{rule}' is not valid; write '{meant}'")
    for topic in (source.rpartition(":")[2], target):
        check_topic(f"{place}: a name in the remapping '{rule}'", topic)
    return source, target


def _names(files: Iterable[tuple[Block, ...]], options: GraphOptions) -> frozenset[str]:
    """Return the names that a remapping can be for."""
    blocks = [block for file in files for block in file]
    embodiment = options.embodiment if options.embodiment in SIMULATED else DEFAULT_EMBODIMENT
    views = [f"{topic}/image_raw" for topic in find_robot(embodiment).view_topics.values()]
    views += _given(blocks, "view_topics")
    states = _given(blocks, "robot_state_topic")
    return every_name(embodiment, views, states) | frozenset(_OF_RVIZ)


def _given(blocks: Iterable[Block], name: str) -> Iterator[str]:
    """Yield the topics that files give as a parameter, of whichever node."""
    for block in blocks:
        value = block.entries[name].value if name in block.entries else []
        yield from (str(topic) for topic in (value if isinstance(value, list) else [value]))
