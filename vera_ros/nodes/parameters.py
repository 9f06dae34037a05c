# SPDX-License-Identifier: Apache-2.0
"""Parameters: declared once with unit, range and description, checked, and made into tables."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException

from vera_ros.errors import ConfigurationError

Value = bool | int | float | str | list[str] | list[float]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a node.

    Attributes:
        name: its name.
        default: its default; the type is the parameter's type.
        description: what it is for.
        unit: of a number.
        minimum: smallest valid number.
        maximum: largest valid number.
        choices: valid texts; empty: any.
        length: of a list; None: any.
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
        """What is valid, in words."""
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


def markdown_table(parameters: Sequence[Parameter]) -> str:
    """The parameters as a Markdown table."""
    lines = ["| parameter | default | unit | valid | meaning |", "| --- | --- | --- | --- | --- |"]
    for parameter in parameters:
        default = str(parameter.default)
        valid = parameter.valid.replace("|", "\\|")
        lines.append(
            f"| `{parameter.name}` | {default or '(empty)'} | {parameter.unit} | {valid} | "
            f"{parameter.description}{' (live)' if parameter.live else ''} |"
        )
    return "\n".join(lines)
