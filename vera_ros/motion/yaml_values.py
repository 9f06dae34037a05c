# SPDX-License-Identifier: Apache-2.0
"""Validated values of YAML configuration files.

Invalid values raise KeyError, TypeError or ValueError; `reading` makes these ConfigurationErrors.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from vera_ros.errors import ConfigurationError

Values = Mapping[str, Any]

_MISSPELT = 0.7  # above this similarity (difflib), a name may be another one misspelt


class Content(Values):
    """A mapping of a file, whose valid names are those that it was asked for."""

    def __init__(self, values: Values) -> None:
        self._values = {
            str(name): Content(value) if isinstance(value, dict) else value
            for name, value in values.items()
        }
        self._asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self._asked.add(name)
        if name not in self._values:
            unasked = [each for each in self._values if each not in self._asked]
            near = difflib.get_close_matches(name, unasked, 1, _MISSPELT)
            raise ValueError(f"'{name}' is missing{f'; correct {near[0]!r}' if near else ''}")
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        self._asked.add(str(name))
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def refuse_unread(self, others: Sequence[str] = ()) -> None:
        """Raise ValueError if it has a name that it was not asked for, and that is no other's."""
        valid = sorted(self._asked.union(others))
        for name, value in self._values.items():
            if name not in valid:
                near = difflib.get_close_matches(name, valid, 1, _MISSPELT) or valid
                raise ValueError(f"nothing reads '{name}'; write {' or '.join(near)}, or remove it")
            if name not in others and isinstance(value, Content):
                value.refuse_unread()


class _Loader(yaml.SafeLoader):
    """Refuses a name that is given twice, of which YAML keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                raise ValueError(
                    f"'{name}' is in line {lines[name]} and again in line {line}; keep one of them"
                )
            lines[name] = line
        return super().construct_mapping(node, deep)


@contextmanager
def reading(path: Path, what: str, example: str, others: Sequence[str] = ()) -> Iterator[Content]:
    """Yield the content of a YAML file; report errors while it is used as one message.

    Args:
        path: of the file.
        what: what the file describes, for the message.
        example: a valid file of this package, for the message.
        others: names that are read elsewhere.

    Raises:
        ConfigurationError: the file cannot be read, or has a name that was not read; or a KeyError,
            TypeError or ValueError was raised while its values were used, or a ConfigurationError,
            which names no file.
    """
    try:
        values = yaml.load(path.read_text(), _Loader)
        if not isinstance(values, dict):
            raise ValueError(f"it holds {type(values).__name__}, not a mapping of names to values")
        content = Content(values)
        yield content
        content.refuse_unread(others)
    except (
        OSError,
        KeyError,
        TypeError,
        ValueError,
        yaml.YAMLError,
        ConfigurationError,
    ) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ConfigurationError(
            f"the {what} {path} cannot be used: {reason}; compare it with {example} of this package"
        ) from error


def section(content: Values, name: str) -> Values:
    """Return the mapping `name`."""
    value = content[name]
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} must be a mapping of names to values, not {value!r}")
    return value


def number(content: Values, name: str, lowest: float, highest: float) -> float:
    """Return the number `name`, which must be within bounds."""
    value = content[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a number, not {value!r}")
    if not lowest <= value <= highest:
        raise ValueError(f"{name} is {value}; valid is {lowest:g} to {highest:g}")
    return float(value)


def numbers(content: Values, name: str, count: int) -> npt.NDArray[np.float64]:
    """Return the `count` finite numbers of `name`. Shape (count,)."""
    try:
        values = np.asarray(content[name], dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be {count} finite numbers, not {content[name]}") from error
    if values.shape != (count,) or not np.isfinite(values).all():
        raise ValueError(f"{name} must be {count} finite numbers, not {content[name]}")
    return values


def boolean(content: Values, name: str) -> bool:
    """Return the boolean `name`."""
    value = content[name]
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, not {value!r}")
    return value


def choice(content: Values, name: str, valid: Sequence[str]) -> str:
    """Return the word `name`, which must be one of `valid`."""
    value = content[name]
    if value not in valid:
        raise ValueError(f"{name} is {value!r}; valid is {' or '.join(valid)}")
    return str(value)
