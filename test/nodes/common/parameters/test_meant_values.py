# SPDX-License-Identifier: Apache-2.0
"""What is meant by a value of the wrong type is proposed only where it is clear."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.nodes.common.parameters.meant_values import in_other_units, meant_value


@pytest.mark.parametrize(
    ("written", "kind", "unit", "meant"),
    [
        ("50%", float, "", 0.5),
        ("7 %", float, "", 0.07),
        ("-0,1185", float, "m", -0.1185),
        ("30 mm", float, "m", 0.03),
        ("12cm", float, "m", 0.12),
        ("250 mm/s", float, "m/s", 0.25),
        ("80ms", float, "s", 0.08),
        ("180°", float, "rad", 3.14159),
        ("0.3 m", float, "m", 0.3),
        ("1e-2", float, "s", 0.01),
        (2.0, int, "", 2),
        ("3", int, "", 3),
        ("yes", bool, "", True),
        (0, bool, "", False),
        ("move_group", str, "", "move_group"),
    ],
)
def test_what_can_be_meant_in_one_way(
    written: object, kind: type, unit: str, meant: object
) -> None:
    read = meant_value(written, kind, unit)
    assert (type(read), read) == (type(meant), meant)


@pytest.mark.parametrize(
    ("written", "kind", "unit"),
    [
        ("fast", float, "m/s"),
        ("0.3 kg", float, "m"),
        ("50%", float, "m"),
        ("1,000", float, "Hz"),
        ("1.2.3", float, ""),
        (True, float, ""),
        (None, float, ""),
        (2.5, int, ""),
        ("maybe", bool, ""),
        (2, bool, ""),
        (1.5, str, ""),
        ("", str, ""),
    ],
)
def test_what_is_not_clear(written: object, kind: type, unit: str) -> None:
    assert meant_value(written, kind, unit) is None


@given(text=st.text(max_size=12) | st.from_regex(r"[-+]?\d{1,4}([.,]\d{0,3})?( ?\S{1,4})?"))
def test_any_text_is_read_or_not(text: str) -> None:
    for kind in (bool, int, float):
        meant = meant_value(text, kind, "m")
        assert meant is None or type(meant) is kind


@pytest.mark.parametrize(("unit", "units"), [("rad", ["deg"]), ("m", ["mm", "cm"]), ("N", [])])
def test_another_unit_is_named_once(unit: str, units: list[str]) -> None:
    assert [word for word, _ in in_other_units([1.0], unit)] == units
