# SPDX-License-Identifier: Apache-2.0
"""Foreign text is shown in one line, cannot command a terminal, and never takes much to show."""

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.printable import printable, printable_lines, shorten

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)
@given(st.text(), st.integers(1, 50))
def test_any_text_becomes_one_line_of_bounded_length(text: str, longest: int) -> None:
    shown = printable(text, longest)
    assert shown.isprintable()
    assert len(shown) <= 10 * longest + 30


@settings(deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=100))
def test_what_is_printable_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\r\n[ERROR] b", r"a\r\n[ERROR] b"),
        ("a\u2028b\x85c", r"a\u2028b\x85c"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\x9b2J\x07", r"\x9b2J\x07"),
        ("a\x00b", r"a\x00b"),
        ("\ud800", r"\ud800"),
        ("größer, 大 ✓", "größer, 大 ✓"),
    ],
)
def test_what_moves_a_cursor_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_long_text_is_cut_and_says_so() -> None:
    assert printable("x" * 1000, 10) == "x" * 10 + "… (1000 characters)"


def test_the_last_lines_remain() -> None:
    assert printable_lines("a\nb\x07\nc", 2) == "b\\x07\nc"
    assert printable_lines("", 2) == ""


@settings(deadline=None)
@given(VALUES)
def test_any_value_can_be_shortened(value: Any) -> None:
    shown = shorten(value)
    assert shown.isprintable()
    assert len(shown) < 7000


@pytest.mark.parametrize(
    "value",
    [
        "x" * 50_000_000,
        b"\xff" * 50_000_000,
        [[1] * 1000] * 1000,
        {str(i): "x" * 1000 for i in range(1000)},
        [np.zeros((1000, 1000))] * 100,
    ],
    ids=["text", "bytes", "lists", "map", "arrays"],
)
def test_what_is_huge_is_never_written_out(value: Any) -> None:
    began_s = time.monotonic()
    assert len(shorten(value)) < 700
    assert time.monotonic() - began_s < 1.0  # it would take many, and gigabytes
