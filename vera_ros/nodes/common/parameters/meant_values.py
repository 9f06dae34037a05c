# SPDX-License-Identifier: Apache-2.0
"""What a value of the wrong type can be meant as, to advise how to write it."""

import math
import re
from collections.abc import Iterator, Sequence

_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_TRUTH |= {"1": True, "1.0": True, "0": False, "0.0": False}
_NUMBER = re.compile(r"([+-]?\d+(?:[.,]\d*)?(?:e[+-]?\d+)?)\s*([^\d\s.,]\S*)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # may be meant as a decimal comma, or not
_FACTORS = {  # by what is written and the parameter's unit
    ("%", ""): 0.01,
    ("mm", "m"): 0.001,
    ("cm", "m"): 0.01,
    ("mm/s", "m/s"): 0.001,
    ("ms", "s"): 0.001,
    ("deg", "rad"): math.pi / 180,
    ("°", "rad"): math.pi / 180,
    ("deg/s", "rad/s"): math.pi / 180,
}
_DIGITS = 6


def meant_value(given: object, kind: type, unit: str) -> bool | int | float | str | None:
    """Return the value of this kind, in this unit, that is meant; None: it is not clear.

    Args:
        given: a text like `50%`, `0,5`, `30 mm` or `'true'`, or a value of another kind.
        kind: bool, int, float or str.
        unit: the parameter's; empty: none, or a share.
    """
    text = str(given).strip()
    if kind is bool:
        return _TRUTH.get(text.lower())
    if kind is str:
        return text if isinstance(given, str) and text else None
    found = _NUMBER.fullmatch(text)
    if found is None or _THOUSANDS.fullmatch(found[1]):
        return None
    written = found[2] or unit
    factor = 1.0 if written == unit else _FACTORS.get((written, unit))
    if factor is None:
        return None
    number = float(f"{float(found[1].replace(',', '.')) * factor:.{_DIGITS}g}")
    if kind is float:
        return number
    return int(number) if number.is_integer() else None


def in_other_units(numbers: Sequence[float], unit: str) -> Iterator[tuple[str, list[float]]]:
    """Yield the units in which numbers may be given by mistake, and the same in the right unit."""
    told = set()
    for (written, of), factor in _FACTORS.items():
        if of == unit and factor not in told:  # of two words for one unit, the first
            told.add(factor)
            yield written, [float(f"{number * factor:.{_DIGITS}g}") for number in numbers]
