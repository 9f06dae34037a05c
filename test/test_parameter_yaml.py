# SPDX-License-Identifier: Apache-2.0
"""What is read from a parameter file reaches rclpy as it is, and errors are single lines."""

import contextlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
import rclpy
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.parameter_yaml import Entry, read_entry, read_root, write_plain

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30) | st.sampled_from(
    [
        "true",
        "1e3",
        "010",
        "1:30",
        "null",
        "~",
        "",
        " a ",
        "a: b",
        "- a",
        "<r>\n  <a/>\n</r>\n",
        "'",
        '"',
    ]
)
WHOLE = st.integers(-(10**17), 10**17)
DECIMALS = st.floats(allow_nan=False, allow_subnormal=False)  # those are texts to rcl
SCALARS = st.booleans() | WHOLE | DECIMALS | TEXTS
VALUES = SCALARS | st.one_of(
    *(st.lists(kind, min_size=1, max_size=5) for kind in (st.booleans(), WHOLE, DECIMALS, TEXTS))
)


def value_of(text: str, folder: Path) -> Any:
    """The value of a parameter that is written like this."""
    path = folder / "robot.yaml"
    path.write_text(f"a: {text}\n", encoding="utf-8")
    (_, node) = read_root(path, "").value[0]
    return read_entry(node, 1).value


@settings(max_examples=15, deadline=None)
@given(values=st.dictionaries(NAMES, VALUES, min_size=20, max_size=30))
def test_rclpy_reads_what_is_written(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "plain.yaml"
    write_plain(path, [("/**", {name: Entry(1, value) for name, value in values.items()})])
    context = rclpy.Context()
    rclpy.init(context=context, args=["--ros-args", "--params-file", str(path)])
    try:
        node = rclpy.create_node(
            "plain", context=context, start_parameter_services=False, enable_rosout=False
        )
        read = {name: given.value for name, given in node._parameter_overrides.items()}
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)
    assert read.keys() == values.keys()
    for name, value in values.items():
        given = list(read[name]) if isinstance(value, list) else read[name]
        assert (type(given), given) == (type(value), value)


@given(value=VALUES)
def test_values_have_the_types_that_they_are_written_in(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    text = json.dumps(value, ensure_ascii=False)  # which is YAML
    assume("Infinity" not in text and not {"\u2028", "\u2029"} & set(text))  # ... but for these
    read = value_of(text, tmp_path_factory.getbasetemp())
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, 0.5]", [1.0, 0.5]),
        ("[1, a]", ["1", "a"]),
        ("[]", []),
        ("yes", True),
        ("OFF", False),
        ("'yes'", "yes"),
        ("~", None),
        ("", None),
        ("'~'", "~"),
        ("010", "010"),
        ("08800", "08800"),
        ("0x10", "0x10"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
        ("-0", 0),
        ("+3", 3),
        ("5.", 5.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-.inf", -math.inf),
        ("9" * 30, "9" * 30),
        ("!!float 1", 1),
        ("!env HOME", {}),
    ],
)
def test_how_a_value_is_read(tmp_path: Path, text: str, value: Any) -> None:
    read = value_of(text, tmp_path)
    assert (type(read), read) == (type(value), value)


def test_what_has_no_type_in_ros_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    odd: dict[str, Any] = {"a": None, "b": {}, "c": [1, "x"], "d": [[1]]}
    write_plain(path, [("/**", {name: Entry(1, value) for name, value in odd.items()})])
    assert yaml.safe_load(path.read_text()) == {}


@pytest.mark.parametrize("data", [b"a: [", b"\xff", b"a:\n\t- b", b"a: \x01", b"*a", b"- a", b""])
def test_a_file_that_cannot_be_read_is_named_in_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "robot.yaml"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError) as error:
        read_root(path, "what is valid")
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@given(data=st.binary(max_size=60))
def test_no_bytes_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    path.write_bytes(data)
    with contextlib.suppress(ConfigurationError):
        assert isinstance(read_root(path, ""), yaml.MappingNode)
