# SPDX-License-Identifier: Apache-2.0
"""Describes the values of messages in words, and makes those of free fields harmless."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vera_ros.printable import printable, shorten

_KINDS: tuple[tuple[Any, str], ...] = (
    ((bool, np.bool_), "the truth value"),
    ((int, float, np.number), "the number"),
    (str, "the text"),
    (bytes, "the bytes"),
    (list, "the list"),
    (Mapping, "the map"),
)


def describe(value: Any) -> str:
    """Return what a value is; None stands for one that is missing."""
    if value is None:
        return "missing"
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} and shape {value.shape}"
    kinds = [words for kind, words in _KINDS if isinstance(value, kind)]
    return f"{kinds[0] if kinds else type(value).__name__} {shorten(value)}"


def plain(value: Any) -> bool | int | float | str | None:
    """Return a value that a peer may choose freely, if it can be shown and computed with.

    Truth values and finite numbers remain, and texts become printable. All else is None.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating) and math.isfinite(value):
        return float(value)
    return printable(value) if isinstance(value, str) else None


def plain_map(found: Mapping[str, Any], read: Callable[[Any], Any] = plain) -> dict[str, Any]:
    """Return a map of a peer with printable names. `read`: makes its values harmless."""
    return {printable(str(name)): read(value) for name, value in found.items()}
