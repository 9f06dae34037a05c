# SPDX-License-Identifier: Apache-2.0
"""Which of two parameter files wins, by what rclpy reads of their plain copies."""

from itertools import product
from pathlib import Path

import rclpy

from vera_ros.parameter_files import Block, matches
from vera_ros.parameter_layers import drop_overridden, given_to
from vera_ros.parameter_yaml import Entry, write_plain

KEYS = (  # in the order in which people write them: for all nodes first
    *("/**", "/**/ik_node", "/left/**", "/**/left/*", "/*/ik_node", "/cell/*/ik_node"),
    *("/ik_node", "/left/ik_node", "/cell/left/ik_node"),
)
NAMESPACES = ("/", "/left", "/cell/left")
NAMES = [
    f"/{'/'.join(parts)}"
    for length in (1, 2, 3)
    for parts in product(("cell", "left", "ik_node", "another"), repeat=length)
]


def nodes(key: str) -> set[str]:
    return {name for name in NAMES if matches(key, name)}


# ROS itself decides between keys of which each is for nodes that the other is not for.
PAIRS = [
    (one, other)
    for one, other in product(KEYS, KEYS)
    if nodes(one) <= nodes(other) or nodes(one) >= nodes(other)
]


def blocks(number: int) -> list[Block]:
    """The blocks of one of two files; both give a parameter of its own for each pair of keys."""
    return [
        Block(
            Path(f"{number}.yaml"),
            key,
            1,
            {f"p{i}": Entry(1, number) for i, pair in enumerate(PAIRS) if pair[number] == key},
        )
        for key in KEYS
    ]


def test_what_is_given_to_a_node_is_read_as_the_node_reads_it() -> None:
    files = [blocks(0), blocks(1)]
    for space in NAMESPACES:
        name = f"{space.rstrip('/')}/ik_node"
        given = given_to(name, files)
        for i, pair in enumerate(PAIRS):
            matching = [number for number, key in enumerate(pair) if matches(key, name)]
            assert given.get(f"p{i}", -1) == max(matching, default=-1), (name, pair)


def test_the_later_file_wins_whatever_the_keys_are(tmp_path: Path, ros_domain: int) -> None:
    arguments = ["--ros-args"]
    for number, file in enumerate(drop_overridden([blocks(0), blocks(1)])):
        path = tmp_path / f"{number}.yaml"
        write_plain(path, [(block.pattern, block.entries) for block in file])
        arguments += ["--params-file", str(path)]
    context = rclpy.Context()
    rclpy.init(context=context, args=arguments)
    try:
        for namespace in NAMESPACES:
            node = rclpy.create_node("ik_node", namespace=namespace, context=context)
            name = node.get_fully_qualified_name()
            for i, pair in enumerate(PAIRS):
                matching = [number for number, key in enumerate(pair) if matches(key, name)]
                expected = max(matching, default=-1)
                assert node.declare_parameter(f"p{i}", -1).value == expected, (name, pair)
            node.destroy_node()
    finally:
        rclpy.shutdown(context=context)
