# SPDX-License-Identifier: Apache-2.0
"""What a frame announces is counted as the decoder would build it, and bounded before."""

import contextlib
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.errors import ProtocolError
from vera_ros.wire.protocol import message_bounds
from vera_ros.wire.protocol.message_bounds import MAX_DEPTH, MAX_OBJECTS, check_objects

KEYS = st.integers(-(2**63), 2**64 - 1) | st.text(max_size=300) | st.binary(max_size=300)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | KEYS
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=300)),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(KEYS, inner, max_size=20),
    max_leaves=30,
)


def count(value: Any) -> int:
    """Return how many objects a value has, keys included."""
    if isinstance(value, dict):
        return 1 + sum(1 + count(item) for item in value.values())
    return 1 + sum(map(count, value)) if isinstance(value, list) else 1


def depth(value: Any) -> int:
    """Return how many lists and maps that are not empty are in each other, and 1."""
    inner = value.values() if isinstance(value, dict) else value
    nests = isinstance(value, dict | list) and len(value) > 0
    return 1 + max(map(depth, inner)) if nests else 1


@settings(deadline=None)
@given(VALUES)
def test_it_counts_what_there_is(value: Any) -> None:
    frame = msgpack.packb(value)
    for name, there_are in (("MAX_OBJECTS", count(value)), ("MAX_DEPTH", depth(value))):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(message_bounds, name, there_are)
            check_objects(frame)
            patch.setattr(message_bounds, name, there_are - 1)
            if there_are > 1:
                with pytest.raises(ProtocolError, match="announces more"):
                    check_objects(frame)


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_are_counted_or_refused(frame: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        assert check_objects(frame) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ([0] * (MAX_OBJECTS - 1), [0] * MAX_OBJECTS),
        ([[]] * (MAX_OBJECTS - 1), [[]] * MAX_OBJECTS),
        (dict.fromkeys(range(8191)), dict.fromkeys(range(8192))),
    ],
    ids=["numbers", "lists", "pairs"],
)
def test_the_bound_is_exact(good: Any, bad: Any) -> None:
    check_objects(msgpack.packb(good))
    with pytest.raises(ProtocolError):
        check_objects(msgpack.packb(bad))


def test_the_depth_is_bounded() -> None:
    def nested(levels: int) -> bytes:
        return b"\x91" * levels + b"\x00"

    check_objects(nested(MAX_DEPTH - 1))
    with pytest.raises(ProtocolError):
        check_objects(nested(MAX_DEPTH))
