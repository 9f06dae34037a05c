# SPDX-License-Identifier: Apache-2.0
"""Checks of what a node is given: its parameter files, and the command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.parameters.declarations import Parameter
from vera_ros.parameter_files import (
    NODES,
    Block,
    check_blocks,
    matches,
    own_to_rclpy,
    read_blocks,
    where,
    why_undeclared,
)
from vera_ros.ros_command_line import ros_arguments


def check_given(
    node: Any, parameters: Sequence[Parameter], arguments: Sequence[str]
) -> tuple[str, ...]:
    """Check what an rclpy node is given, and its parameter files; refuse what nothing reads.

    Args:
        node: created from the command line.
        parameters: those that the node is going to declare.
        arguments: the command line.

    Returns:
        A warning for each block of the files that is for other nodes, see `check_blocks`.

    Raises:
        ConfigurationError: a parameter is not declared, and the nearest valid names follow; or its
            value is not valid.
    """
    own = {parameter.name for parameter in parameters}
    name, full_name = node.get_name(), node.get_fully_qualified_name()
    files = [read_blocks(Path(path)) for path in ros_arguments(arguments, "--params-file")]
    mine = [block for file in files for block in file if matches(block.pattern, full_name)]
    # rclpy has no public way to list what was given but not declared.
    given = set(node._parameter_overrides).union(*(block.entries for block in mine))
    unknown = {each for each in given - own if not own_to_rclpy(each)}
    declared: dict[str, Any] = dict.fromkeys(NODES)
    if unknown:  # to name their owners: the other nodes' modules take a moment to import
        from vera_ros.nodes.declared import NAMES

        declared |= NAMES
    declared[name] = own
    warnings = [
        warning for file in files for warning in check_blocks(file, node.get_namespace(), declared)
    ]
    for block in mine:
        _check_values(block, parameters)
        unknown -= block.entries.keys()  # declared by another node that the block matches
    for parameter in sorted(unknown):
        why = why_undeclared(parameter, [name], declared)
        raise ConfigurationError(f"parameter '{parameter}', given to '{full_name}', {why}")
    _check_rules(ros_arguments(arguments, "-p", "--param"), full_name)
    return tuple(warnings)


def _check_values(block: Block, parameters: Sequence[Parameter]) -> None:
    """Refuse invalid values in a block of a file, with file and line."""
    for parameter in parameters:
        entry = block.entries.get(parameter.name)
        if entry is not None:
            try:
                parameter.read(entry.value, entry.text)
            except ConfigurationError as error:
                place = where(block, parameter.name, parameter.wrong_item(entry.value))
                raise ConfigurationError(f"{place}: {error}") from None


def _check_rules(rules: Sequence[str], full_name: str) -> None:
    """Refuse `-p name:=value` that is for another node or given twice."""
    given = [rule.partition(":=")[0] for rule in rules]
    for rule in given:
        target = rule.rpartition(":")[0]
        if target and not matches(target, full_name):
            raise ConfigurationError(
                f"-p {rule} is for the node '{target}', and this one is '{full_name}'; write "
                f"-p {rule.rpartition(':')[2]}"
            )
        if given.count(rule) > 1:
            raise ConfigurationError(f"-p {rule} is given {given.count(rule)} times; keep one")
