# SPDX-License-Identifier: Apache-2.0
"""Describes the values of messages in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np

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
    return f"{kinds[0] if kinds else type(value).__name__} {value!r:.80}"
