# SPDX-License-Identifier: Apache-2.0
"""Whatever goes through the wire comes back the same; whatever is broken is refused."""

import contextlib
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vera_ros.errors import ProtocolError
from vera_ros.wire.protocol import codec
from vera_ros.wire.protocol.codec import pack, unpack

DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    hnp.complex_number_dtypes(endianness="?", sizes=(64, 128)),
)
SCALAR_TYPES = [
    t for t in (*np.sctypeDict.values(), np.bool_) if np.dtype(t).str[1:] in codec._SCALAR_TYPES
]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
ARRAYS = hnp.arrays(DTYPES, SHAPES)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def array_map(**changes: Any) -> dict[bytes, Any]:
    good = {"__ndarray__": True, "data": bytes(24), "dtype": "<f4", "shape": [2, 3]}
    return {key.encode(): value for key, value in {**good, **changes}.items()}


@given(ARRAYS)
def test_an_array_keeps_dtype_shape_and_every_bit(array: np.ndarray[Any, Any]) -> None:
    back = unpack(pack({"a": array}))["a"]
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()  # NaN payloads too


@given(hnp.arrays(DTYPES, hnp.array_shapes(min_dims=2, max_dims=4, max_side=5)))
def test_memory_layout_does_not_matter(array: np.ndarray[Any, Any]) -> None:
    for view in (np.asfortranarray(array), array.T, array[::-1], array[:, ::2]):
        assert unpack(pack(view)).tobytes() == view.tobytes()


def test_a_decoded_array_can_be_written() -> None:
    array = unpack(pack(np.zeros(3, np.float32)))
    array[0] = 1.0
    assert array.tolist() == [1.0, 0.0, 0.0]


@given(PLAIN)
def test_plain_values_come_back(value: Any) -> None:
    assert unpack(pack(value)) == value


@given(st.sampled_from(SCALAR_TYPES).flatmap(lambda t: hnp.arrays(t, ())))
def test_a_scalar_keeps_its_value(array: np.ndarray[Any, Any]) -> None:
    back = unpack(pack(array[()]))
    np.testing.assert_array_equal(back, array[()])
    if array.dtype != np.float64:  # which is a Python float, and travels as one
        assert back.dtype == array.dtype


def test_the_wire_format_is_the_documented_one() -> None:
    array = np.array([[1, 2]], "<i2")
    assert msgpack.unpackb(pack({"a": array}), strict_map_key=False) == {
        "a": {
            b"__ndarray__": True,
            b"data": b"\x01\x00\x02\x00",
            b"dtype": "<i2",
            b"shape": [1, 2],
        }
    }
    assert msgpack.unpackb(pack(np.float32(0.5)), strict_map_key=False) == {
        b"__npscalar__": True,
        b"data": 0.5,
        b"dtype": "<f4",
    }


@pytest.mark.parametrize(
    "value",
    [
        np.array([object()]),
        np.zeros(2, "i4,f4"),
        np.array(["text"]),
        np.array(["2026-01-01"], "M8[D]"),
        np.complex64(1j),
        object(),
        {1, 2},
        2**64,
        "\ud800",
        np.zeros(codec.MAX_FRAME_BYTES, np.uint8),
    ],
)
def test_what_cannot_travel_is_refused(value: Any) -> None:
    with pytest.raises(ProtocolError):
        pack({"value": value})


@pytest.mark.parametrize(
    "message",
    [
        array_map(data=bytes(23)),
        array_map(data="text"),
        array_map(data=None),
        array_map(shape=[2, -3]),
        array_map(shape=[-2, -3]),
        array_map(shape=[2**40, 2**40]),
        array_map(shape=[0, 2**62], data=b""),
        array_map(shape=[0] + [codec.MAX_FRAME_BYTES] * 31, data=b""),
        array_map(shape=[1] * 33),
        array_map(shape=[2.0, 3.0]),
        array_map(shape=[True, 6]),
        array_map(shape=6),
        array_map(dtype="<f5"),
        array_map(dtype="O"),
        array_map(dtype="|V4"),
        array_map(dtype="<i4,<f4"),
        array_map(dtype="<U0"),
        array_map(dtype=b"<f4"),
        array_map(dtype=None),
        {b"__ndarray__": True},
        {b"__npscalar__": True, b"dtype": "<f4", b"data": "1"},
        {b"__npscalar__": True, b"dtype": "|i1", b"data": 128},
        {b"__npscalar__": True, b"dtype": "|u1", b"data": -1},
        {b"__npscalar__": True, b"dtype": "<i4", b"data": 0.5},
        {b"__npscalar__": True, b"dtype": "|O", b"data": 1},
        {b"__npscalar__": True},
        msgpack.ExtType(5, b"code"),
    ],
)
def test_a_broken_message_is_refused(message: Any) -> None:
    with pytest.raises(ProtocolError):
        unpack(msgpack.packb({"value": message}))


@given(ARRAYS, st.data())
def test_a_truncated_frame_is_refused(array: np.ndarray[Any, Any], data: st.DataObject) -> None:
    frame = pack({"a": array, "b": [1, "two"]})
    with pytest.raises(ProtocolError):
        unpack(frame[: data.draw(st.integers(0, len(frame) - 1))])


@given(st.binary(max_size=200))
@example(b"\xd6\xff\xff\xff\xff\xff")  # a timestamp
@example(b"\x81\x90\x00")  # a list as a key
@example(b"\x90" * 600)
@example(b"\x91" * 600)
def test_garbage_is_a_value_or_refused(frame: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        unpack(frame)


@given(ARRAYS, st.data())
def test_flipped_bytes_are_a_value_or_refused(
    array: np.ndarray[Any, Any], data: st.DataObject
) -> None:
    frame = bytearray(pack({"a": array}))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ProtocolError):
        unpack(bytes(frame))


def test_a_list_that_announces_more_than_it_carries_allocates_nothing() -> None:
    # 500 nested lists of a million entries each would be 4 GB before the first entry is read.
    with pytest.raises(ProtocolError):
        unpack((b"\xdd" + (10**6).to_bytes(4, "big")) * 500 + bytes(10**6))


def test_a_frame_that_is_too_large_is_refused() -> None:
    with pytest.raises(ProtocolError, match=str(codec.MAX_FRAME_BYTES)):
        unpack(bytes(codec.MAX_FRAME_BYTES + 1))
