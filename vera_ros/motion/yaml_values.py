# SPDX-License-Identifier: Apache-2.0
"""Validated values of YAML configuration files.

Invalid values raise KeyError, TypeError or ValueError; `reading` makes these ConfigurationErrors.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from vera_ros.errors import ConfigurationError

Content = Mapping[str, Any]


@contextmanager
def reading(path: Path, what: str, example: str) -> Iterator[Content]:
    """Yield the content of a YAML file; report errors while it is used as one message.

    Args:
        path: of the file.
        what: what the file describes, for the message.
        example: a valid file of this package, for the message.

    Raises:
        ConfigurationError: the file cannot be read, or a KeyError, TypeError or ValueError was
            raised while its values were used, or a ConfigurationError, which names no file.
    """
    try:
        content = yaml.safe_load(path.read_text())
        if not isinstance(content, dict):
            raise ValueError(f"it holds {type(content).__name__}, not a mapping of names to values")
        yield content
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


def section(content: Content, name: str) -> Content:
    """Return the mapping `name`."""
    value = content[name]
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a mapping of names to values, not {value!r}")
    return value


def number(content: Content, name: str, lowest: float, highest: float) -> float:
    """Return the number `name`, which must be within bounds."""
    value = content[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a number, not {value!r}")
    if not lowest <= value <= highest:
        raise ValueError(f"{name} is {value}; valid is {lowest:g} to {highest:g}")
    return float(value)


def numbers(content: Content, name: str, count: int) -> npt.NDArray[np.float64]:
    """Return the `count` finite numbers of `name`. Shape (count,)."""
    values = np.asarray(content[name], dtype=float)
    if values.shape != (count,) or not np.isfinite(values).all():
        raise ValueError(f"{name} must be {count} finite numbers, not {content[name]}")
    return values


def boolean(content: Content, name: str) -> bool:
    """Return the boolean `name`."""
    value = content[name]
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, not {value!r}")
    return value


def choice(content: Content, name: str, valid: Sequence[str]) -> str:
    """Return the word `name`, which must be one of `valid`."""
    value = content[name]
    if value not in valid:
        raise ValueError(f"{name} is {value!r}; valid is {' or '.join(valid)}")
    return str(value)
