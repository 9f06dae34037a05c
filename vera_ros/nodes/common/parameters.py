# SPDX-License-Identifier: Apache-2.0
"""Declarations of parameters with unit, range and description; checks and tables of them."""

import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException

from vera_ros.errors import ConfigurationError
from vera_ros.parameter_files import (
    NODES,
    check_blocks,
    matches,
    own_to_rclpy,
    read_blocks,
    ros_arguments,
    why_undeclared,
)

_LOCATION = re.compile(r", at \S+\.c:\d+")  # locations in rcl's source

Value = bool | int | float | str | list[str] | list[float]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a node.

    Attributes:
        name: the parameter's name.
        default: its default value, whose type is the parameter's type.
        description: its meaning.
        unit: unit of a number.
        minimum: smallest valid number.
        maximum: largest valid number.
        choices: valid strings; empty: any.
        length: number of values in a list; None: any.
        live: whether it may be set while the node runs.
    """

    name: str
    default: Value
    description: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    length: int | None = None
    live: bool = False

    @property
    def valid(self) -> str:
        """The valid values, in words."""
        parts = []
        if self.choices:
            parts.append(" | ".join(self.choices))
        if self.minimum is not None or self.maximum is not None:
            low = "" if self.minimum is None else f"{self.minimum:g}"
            high = "" if self.maximum is None else f"{self.maximum:g}"
            parts.append(f"{low} … {high}")
        if self.length is not None:
            parts.append(f"{self.length} values")
        return ", ".join(parts)

    def check(self, value: Any) -> None:
        """Raise ConfigurationError unless the value is valid."""
        items = list(value) if isinstance(self.default, list) else [value]
        wrong = self.length is not None and len(items) != self.length
        wrong = wrong or any(not self._item_ok(item) for item in items)
        if wrong:
            unit = f" {self.unit}" if self.unit else ""
            shown = value if isinstance(value, str | float | int) else list(value)
            raise ConfigurationError(
                f"parameter '{self.name}' is {shown!r}; valid is {self.valid}{unit} "
                f"({self.description})"
            )

    def _item_ok(self, item: Any) -> bool:
        if isinstance(item, bool):
            return True
        if isinstance(item, str):
            return not self.choices or item in self.choices
        if not math.isfinite(item):
            return False
        above = self.minimum is None or item >= self.minimum
        return above and (self.maximum is None or item <= self.maximum)


AUTOSTART = Parameter(  # of every node
    "autostart",
    True,
    "configure and activate at start-up; false: leave that to a lifecycle manager",
)


def check_given(node: Any, parameters: Sequence[Parameter]) -> None:
    """Refuse parameters given to an rclpy node, or in its parameter files, that nothing reads.

    Blocks of the files for other nodes are logged as warnings, see `check_blocks`.

    Args:
        node: created in this process, from its command line.
        parameters: those that the node is going to declare.

    Raises:
        ConfigurationError: a parameter is not declared; names it and the nearest valid names.
    """
    own = {parameter.name for parameter in parameters}
    # rclpy has no public way to list what was given but not declared.
    unknown = {name for name in node._parameter_overrides if not own_to_rclpy(name)} - own
    declared: dict[str, Any] = dict.fromkeys(NODES)
    if unknown:  # to name their owners: the other nodes' modules take a moment to import
        from vera_ros.nodes.declared import NAMES

        declared |= NAMES
    name, full_name = node.get_name(), node.get_fully_qualified_name()
    declared[name] = own
    for path in ros_arguments(sys.argv, "--params-file"):
        blocks = read_blocks(Path(path))
        for warning in check_blocks(blocks, node.get_namespace(), declared):
            node.get_logger().warning(warning)
        for block in blocks:
            if matches(block.pattern, full_name):
                unknown -= block.lines.keys()  # declared by another node that the block matches
    for parameter in sorted(unknown):
        why = why_undeclared(parameter, [name], declared)
        raise ConfigurationError(f"parameter '{parameter}', given to '{full_name}', {why}")
    _check_rules(ros_arguments(sys.argv, "-p", "--param"), full_name)


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


def declare_parameters(node: Any, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Declare the parameters on an rclpy node and return their values by name.

    Raises:
        ConfigurationError: a value given from outside has the wrong type or is out of range.
    """
    values: dict[str, Any] = {}
    for parameter in parameters:
        descriptor = ParameterDescriptor(
            description=f"{parameter.description} [{parameter.unit}]"
            if parameter.unit
            else parameter.description,
            additional_constraints=parameter.valid,
            read_only=not parameter.live,
        )
        try:
            value = node.declare_parameter(parameter.name, parameter.default, descriptor).value
        except InvalidParameterTypeException as error:
            raise ConfigurationError(
                f"parameter '{parameter.name}' has the wrong type: {error}; "
                f"write it like {parameter.default!r}"
            ) from error
        parameter.check(value)
        values[parameter.name] = list(value) if isinstance(parameter.default, list) else value
    return values


def rcl_message(error: RuntimeError) -> str:
    """Return the message of rclpy's RCLError in one line, without locations in rcl's source."""
    return _LOCATION.sub("", " ".join(str(error).split()))


def markdown_table(parameters: Sequence[Parameter]) -> str:
    """Return the parameters as a Markdown table."""
    lines = ["| parameter | default | unit | valid | meaning |", "| --- | --- | --- | --- | --- |"]
    for parameter in parameters:
        default = str(parameter.default)
        valid = parameter.valid.replace("|", "\\|")
        lines.append(
            f"| `{parameter.name}` | {default or '(empty)'} | {parameter.unit} | {valid} | "
            f"{parameter.description}{' (live)' if parameter.live else ''} |"
        )
    return "\n".join(lines)
