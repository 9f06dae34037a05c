# SPDX-License-Identifier: Apache-2.0
"""Declarations of parameters with unit, range and description; checks and tables of them."""

import math
import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.parameter import Parameter as RosParameter

from vera_ros.errors import ConfigurationError
from vera_ros.parameter_files import (
    NODES,
    Block,
    check_blocks,
    matches,
    own_to_rclpy,
    read_blocks,
    ros_arguments,
    where,
    why_undeclared,
)

_EMPTY_LIST = RosParameter.Type.NOT_SET  # rcl knows no type of `[]`
_LOCATION = re.compile(r", at \S+\.c:\d+")  # locations in rcl's source

Value = bool | int | float | str | list[str] | list[float]

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a node.

    Attributes:
        name: the parameter's name.
        default: its default value, whose type is the parameter's type; no empty list.
        description: its meaning.
        unit: unit of a number.
        minimum: smallest valid number.
        maximum: largest valid number.
        choices: valid strings; empty: any.
        length: number of values in a list; None: any but 0.
        live: whether it may be set while the node runs.
        optional: whether a list may be empty.
        form: takes the parameter's name and a text; raises ConfigurationError for one of another
            form, such as no address.
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
    optional: bool = False
    form: Callable[[str, str], object] | None = None

    @property
    def kind(self) -> type:
        """The type of the value, or of each in a list."""
        return type(self.default[0] if isinstance(self.default, list) else self.default)

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
            parts.append(f"{self.length} values{' or none' * self.optional}")
        return ", ".join(parts)

    def read(self, given: Any, shown: str = "") -> Any:
        """Return a value from outside in this parameter's type.

        Whole numbers are taken for numbers and, as names of nothing but digits, for texts; spaces
        around a text are dropped.

        Args:
            given: by rclpy, or in a file; None: nothing.
            shown: how it is written, for the error.

        Raises:
            ConfigurationError: it is not valid.
        """
        many = isinstance(self.default, list)
        if isinstance(given, list | tuple | array) is not many or not all(
            map(self._is_of_kind, given if many else [given])
        ):
            quotes = " without quotes," * (self.kind is not str and shown.startswith(("'", '"')))
            example = "name" if self.default == "" else self.default
            raise ConfigurationError(
                f"parameter '{self.name}' is {shown or _shown(given)}; valid is {self._words()} "
                f"({self.description}); write it{quotes} like "
                f"{self.name}: {_shown(example)}"
            )
        values = [self._convert(item) for item in (given if many else [given])]
        value = values if many else values[0]
        self.check(value, shown)
        return value

    def check(self, value: Any, shown: str = "") -> None:
        """Raise ConfigurationError unless the value is valid; `shown`: how it is written."""
        items = list(value) if isinstance(self.default, list) else [value]
        wrong = not all(map(self._item_ok, items))
        if not items:
            wrong = not self.optional
        elif self.length is not None:
            wrong |= len(items) != self.length
        if wrong:
            raise ConfigurationError(
                f"parameter '{self.name}' is {shown or _shown(value)}; valid is {self._words()} "
                f"({self.description})"
            )
        if self.form is not None:
            for item in items:
                self.form(f"parameter '{self.name}'", item)

    def _words(self) -> str:
        """Return type, valid values and unit."""
        what, unit = _KINDS[self.kind], f" {self.unit}" if self.unit else ""
        if isinstance(self.default, list):
            what = f"a list of {what.removeprefix('a ')}s{' in' * bool(unit)}{unit}"
            if self.length is None and not self.optional:
                what += ", at least one"
            return f"{what}, {self.valid}" if self.valid else what
        return f"{what}, {self.valid}{unit}" if self.valid else f"{what}{unit}"

    def _is_of_kind(self, item: Any) -> bool:
        if isinstance(item, bool) or self.kind is bool:
            return isinstance(item, bool) and self.kind is bool
        return isinstance(item, self.kind) or (isinstance(item, int) and self.kind is not int)

    def _convert(self, item: Any) -> Any:
        return str(item).strip() if self.kind is str else self.kind(item)

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
                raise ConfigurationError(f"{where(block, parameter.name)}: {error}") from None


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
        name, kind = parameter.name, RosParameter.Type.from_parameter_value(parameter.default)
        override = node._parameter_overrides.get(name)
        if override is not None:  # in the declared type, or rclpy refuses it
            given = [] if override.type_ is _EMPTY_LIST else override.value
            node._parameter_overrides[name] = RosParameter(name, kind, parameter.read(given))
            descriptor.dynamic_typing = given == []  # to rclpy, an empty list is one of bytes
        value = node.declare_parameter(name, parameter.default, descriptor).value
        values[name] = parameter.read(value)
    return values


def _shown(value: Any) -> str:
    """Return a value as one would write it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return repr(value)
    return f"[{', '.join(map(_shown, value))}]"


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
