# SPDX-License-Identifier: Apache-2.0
"""Values of a configuration file are taken as they are, or refused with name and value."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.motion.yaml_values import boolean, choice, number, numbers, reading, section

ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.floats())
)


@given(value=ANYTHING)
def test_a_number_is_one_within_its_bounds(value: Any) -> None:
    proper = isinstance(value, int | float) and not isinstance(value, bool)
    if proper and -1.0 <= value <= 2.5:
        assert number({"size": value}, "size", -1.0, 2.5) == value
    else:
        with pytest.raises(ValueError, match="size"):
            number({"size": value}, "size", -1.0, 2.5)


@given(values=st.lists(st.floats(), max_size=5), count=st.integers(1, 5))
def test_numbers_are_as_many_as_asked_for(values: list[float], count: int) -> None:
    if len(values) == count and np.isfinite(values).all():
        np.testing.assert_array_equal(numbers({"of": values}, "of", count), values)
    else:
        with pytest.raises(ValueError, match=f"of must be {count} finite numbers"):
            numbers({"of": values}, "of", count)


@given(value=ANYTHING)
def test_a_boolean_is_no_number_and_no_word(value: Any) -> None:
    if isinstance(value, bool):
        assert boolean({"on": value}, "on") is value
    else:
        with pytest.raises(ValueError, match="on must be true or false"):
            boolean({"on": value}, "on")


@given(value=ANYTHING)
def test_a_choice_names_what_is_valid(value: Any) -> None:
    with pytest.raises(ValueError, match=r"kind is .*; valid is this or that"):
        choice({"kind": value}, "kind", ("this", "that"))
    assert choice({"kind": "that"}, "kind", ("this", "that")) == "that"


@given(value=ANYTHING)
def test_a_section_holds_names(value: Any) -> None:
    assert section({"part": {"a": 1}}, "part") == {"a": 1}
    with pytest.raises(ValueError, match="part must be a mapping of names to values"):
        section({"part": value}, "part")


@pytest.mark.parametrize(
    "read",
    [
        lambda content: number(content, "gone", 0.0, 1.0),
        lambda content: numbers(content, "gone", 3),
        lambda content: boolean(content, "gone"),
        lambda content: choice(content, "gone", ("a",)),
        lambda content: section(content, "gone"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, read: Any) -> None:
    path = tmp_path / "values.yaml"
    path.write_text("other: 1")
    with (
        pytest.raises(ConfigurationError, match=r"the sizes .*values\.yaml.*'gone' is missing.*a"),
        reading(path, "sizes", "config/a.yaml") as content,
    ):
        read(content)


def test_other_errors_are_not_taken_for_the_files(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text("other: 1")
    with pytest.raises(ZeroDivisionError), reading(path, "sizes", "config/a.yaml") as content:
        content["other"] / 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("other: 1\nsize: 2", "nothing reads 'other'; write part or size, or remove it"),
        ("sise: 1", "'size' is missing; correct 'sise'"),
        ("size: 1\npart: {hight: 1}", "'height' is missing; correct 'hight'"),
        ("size: 1\npart: {height: 1, heigth: 2}", "nothing reads 'heigth'; write height"),
        ("size: 1\nsize: 2", "'size' is in line 1 and again in line 2; keep one"),
        ("size: 1\npart:\n  height: 1\n  height: 1", "'height' is in line 3 and again in line 4"),
    ],
)
def test_names_that_nothing_reads_are_refused_with_those_that_are(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=words):
        _read_sizes(path)


def _read_sizes(path: Path) -> None:
    with reading(path, "sizes", "config/a.yaml") as content:
        number(content, "size", 0.0, 9.0)
        if "part" in content:
            number(section(content, "part"), "height", 0.0, 9.0)


def test_names_that_are_read_elsewhere_pass(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text("size: 1\nelsewhere: {anything: 1}")
    with reading(path, "sizes", "config/a.yaml", ("elsewhere",)) as content:
        assert number(content, "size", 0.0, 9.0) == 1.0
