# SPDX-License-Identifier: Apache-2.0
"""Declarations of parameters with unit, range and description; checks and tables of them."""

import difflib
import math
import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rclpy.parameter import Parameter as RosParameter

from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.parameters.meant_values import in_other_units, meant_value
from vera_ros.printable import excerpt

_EMPTY_LIST = RosParameter.Type.NOT_SET  # rcl knows no type of `[]`

Value = bool | int | float | str | list[str] | list[float]

_NOTHING = ("None", "none", "nil")  # of other languages: to YAML, a text

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
        live_value: the one value that it may be set to then; None: any that is valid.
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
    live_value: Value | None = None
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
            example = self._example(given)
            like = f"; write it{quotes} like {self.name}: {_shown(example)}"
            if str(given) in _NOTHING and self.default in ("", [""]):
                like = "; to give none, leave it out"
            elif example is None:
                like = ""
            nothing = given is None and not shown
            what = "has no value" if nothing else f"is {shown or _shown(given)}"
            raise ConfigurationError(
                f"parameter '{self.name}' {what}; valid is {self._words()} "
                f"({self.description}){like}"
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
                f"({self.description}){self._advice(items)}"
            )
        if self.form is not None:
            for item in items:
                self.form(f"parameter '{self.name}'", item)

    def wrong_item(self, given: Any) -> int | None:
        """Return the index of the first item that makes a list invalid; None: no single one."""
        if not isinstance(given, list) or not isinstance(self.default, list):
            return None
        numbers = [number for number, item in enumerate(given) if not self._takes(item)]
        return numbers[0] if numbers else None

    def _takes(self, item: Any) -> bool:
        if isinstance(item, str) and self.kind in (int, float):  # beside a text, numbers are texts
            item = meant_value(item, float, self.unit)
        try:
            if item is None or not (self._is_of_kind(item) and self._item_ok(self._convert(item))):
                return False
            if self.form is not None:
                self.form(self.name, self._convert(item))
        except ConfigurationError:
            return False
        return True

    def _example(self, given: Any) -> Value | None:
        """Return what a value of the wrong type can be meant as, or how a text or list looks.

        None: neither. The default number or truth value would be copied, and mean another thing.
        """
        many = isinstance(self.default, list)
        if many and isinstance(given, str):
            words = r"[,;\s]+" if self.kind is str else r"[,;]\s+|\s*;\s*|(?<=\D),"
            given = re.split(words, given.strip(" []()"))
        items = list(given) if many and isinstance(given, list | tuple | array) else [given]
        if isinstance(self.default, list) and self.kind is not str and self.length is None:
            items *= len(self.default) if len(items) == 1 else 1  # one number for all joints
        read = [meant_value(item, self.kind, self.unit) for item in items]
        if read and all(one is not None and self._item_ok(one) for one in read):
            if not many:
                return read[0]
            if self.length in (None, len(read)):
                return cast(Value, read)
        if self.kind is str or many:
            return ["name"] if self.default == [""] else self.default or "name"
        return None

    def _advice(self, items: list[Any]) -> str:
        """Return what values out of range are in another unit, or which choice is meant."""
        if self.kind is str:
            near = difflib.get_close_matches("".join(items[:1]).lower(), self.choices, 1)
            return f"; write {near[0]}" if near else ""
        numbers = self.kind is float and items and self.length in (None, len(items))
        many, others = isinstance(self.default, list), in_other_units(items, self.unit)
        return "".join(
            f"; if it is in {unit}, write {_shown(values if many else values[0])}"
            for unit, values in (others if numbers else ())
            if all(map(self._item_ok, values))
        )

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


def _live(parameter: Parameter) -> str:
    """Return the note that a parameter may be set while the node runs; empty: it may not."""
    only = "" if parameter.live_value is None else f", to {_shown(parameter.live_value)} only"
    return f" (live{only})" if parameter.live else ""


def refuse_live(
    node: Any, parameters: Sequence[Parameter], given: Sequence[RosParameter]
) -> SetParametersResult:
    """Return whether parameters may be set to these values while their node runs.

    Args:
        node: the rclpy node, which has declared them.
        parameters: those of the node.
        given: the new values.
    """
    only = {each.name: each.live_value for each in parameters if each.live_value is not None}
    only["use_sim_time"] = node.get_parameter("use_sim_time").value
    for one in given:
        if one.name not in only or one.value == node.get_parameter(one.name).value:
            continue
        if one.value != only[one.name]:
            reason = (
                f"parameter '{one.name}' is {_shown(one.value)}; valid, while the node runs, is "
                f"{_shown(only[one.name])}; for another value, start the node with it"
            )
            return SetParametersResult(successful=False, reason=reason)
    return SetParametersResult(successful=True)


def _shown(value: Any) -> str:
    """Return a value as one would write it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{excerpt(value)}'"
    if isinstance(value, int | float):
        return repr(value)
    return f"[{', '.join(map(_shown, value))}]"


def markdown_table(parameters: Sequence[Parameter]) -> str:
    """Return the parameters as a Markdown table."""
    lines = ["| parameter | default | unit | valid | meaning |", "| --- | --- | --- | --- | --- |"]
    for parameter in parameters:
        default = str(parameter.default)
        valid = parameter.valid.replace("|", "\\|")
        lines.append(
            f"| `{parameter.name}` | {default or '(empty)'} | {parameter.unit} | {valid} | "
            f"{parameter.description}{_live(parameter)} |"
        )
    return "\n".join(lines)
