# SPDX-License-Identifier: Apache-2.0
"""Readers of the fields of a server's configuration, by their annotation: checked and bounded."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np

from vera_ros.errors import ProtocolError
from vera_ros.printable import printable
from vera_ros.wire.protocol.wording import describe

MAX_ITEMS = 1024  # of a list
MAX_TEXT = 1024  # characters; what is longer, such as a prompt on the command line, is cut
MAX_INTEGER = 2**31 - 1


def _refuse(name: str, value: Any, valid: str) -> ProtocolError:
    return ProtocolError(f"server config: '{name}' is {describe(value)}, but must be {valid}")


def _read_str(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _refuse(name, value, "a string")
    return printable(value, MAX_TEXT)


def _read_bool(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise _refuse(name, value, "true or false")
    return bool(value)


def _read_int(name: str, value: Any) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise _refuse(name, value, "an integer")
    if abs(int(value)) > MAX_INTEGER:
        raise _refuse(name, value, f"within ±{MAX_INTEGER}")
    return int(value)


def _read_float(name: str, value: Any) -> float:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise _refuse(name, value, "a number")
    return float(value)


def _many(read: Callable[[str, Any], Any]) -> Callable[[str, Any], tuple[Any, ...]]:
    def read_list(name: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _refuse(name, value, "a list")
        if len(value) > MAX_ITEMS:
            raise ProtocolError(
                f"server config: '{name}' has {len(value)} items; valid are at most {MAX_ITEMS}"
            )
        return tuple(read(name, item) for item in value)

    return read_list


def _read_resolution(name: str, value: Any) -> tuple[int, ...] | None:
    return None if value is None else _many(_read_int)(name, value)


# The reader of a field, by its annotation.
READERS: dict[Any, Callable[[str, Any], Any]] = {
    str: _read_str,
    bool: _read_bool,
    int: _read_int,
    float: _read_float,
    tuple[str, ...]: _many(_read_str),
    tuple[int, ...]: _many(_read_int),
    tuple[float, ...]: _many(_read_float),
    tuple[int, ...] | None: _read_resolution,
}
