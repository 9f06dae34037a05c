# SPDX-License-Identifier: Apache-2.0
"""MessagePack codec for NumPy arrays, with size limits against hostile or broken peers."""

import math
from typing import Any, NoReturn

import msgpack
import numpy as np

from vera_ros.errors import ProtocolError
from vera_ros.wire.protocol.message_bounds import MAX_OBJECTS, check_objects
from vera_ros.wire.protocol.wording import describe

MAX_FRAME_BYTES = 64 * 2**20  # of a request, with its pictures
MAX_ANSWER_BYTES = 16 * 2**20
MAX_TEXT_BYTES = 2**16  # of each text in a message
MAX_DIMENSIONS = 32

_SCALAR_TYPES = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"})
_ARRAY_TYPES = _SCALAR_TYPES | {"c8", "c16"}
_VALID = "plain values, lists, maps and numeric arrays"


def pack(value: Any) -> bytes:
    """Encode a value as one binary frame.

    Arrays keep dtype, byte order and shape; they travel in C order.

    Raises:
        ProtocolError: the value holds something that the wire cannot carry, or is too large.
    """
    try:
        frame: bytes = msgpack.packb(value, default=_encode, use_bin_type=True)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ProtocolError(f"cannot encode this message: {error}; send {_VALID}") from error
    _check_size(frame, "our message; send fewer or smaller pictures")
    return frame


def unpack(frame: bytes) -> Any:
    """Decode one binary frame; arrays come back writable and own their memory.

    Raises:
        ProtocolError: the frame is not valid, or announces more than it carries.
    """
    _check_size(frame, "the peer's message; it should send less")
    check_objects(frame)
    try:
        return msgpack.unpackb(
            frame,
            object_hook=_decode,
            ext_hook=_refuse_extension,
            raw=False,
            strict_map_key=False,
            max_str_len=MAX_TEXT_BYTES,
            max_array_len=MAX_OBJECTS,
            max_map_len=MAX_OBJECTS,
        )
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise ProtocolError(
            f"a frame of {len(frame)} bytes is not valid msgpack "
            f"({error or type(error).__name__}); is the peer a VERA policy server?"
        ) from error


def _check_size(frame: bytes, whose: str) -> None:
    if len(frame) > MAX_FRAME_BYTES:
        raise ProtocolError(
            f"{len(frame)} bytes are more than the {MAX_FRAME_BYTES} allowed for {whose}"
        )


def _encode(value: Any) -> dict[bytes, Any]:
    if isinstance(value, np.ndarray):
        _check_dtype(value.dtype.str, _ARRAY_TYPES)
        return {
            b"__ndarray__": True,
            b"data": value.tobytes(),
            b"dtype": value.dtype.str,
            b"shape": list(value.shape),
        }
    if isinstance(value, np.generic):
        _check_dtype(value.dtype.str, _SCALAR_TYPES)
        return {b"__npscalar__": True, b"data": value.item(), b"dtype": value.dtype.str}
    raise ProtocolError(f"cannot encode a {type(value).__name__}; send {_VALID}")


def _decode(message: dict[Any, Any]) -> Any:
    if b"__ndarray__" in message:
        return _decode_array(message)
    if b"__npscalar__" in message:
        return _decode_scalar(message)
    return message


def _decode_array(message: dict[Any, Any]) -> np.ndarray[Any, Any]:
    dtype = _check_dtype(message.get(b"dtype"), _ARRAY_TYPES)
    shape = _check_shape(message.get(b"shape"))
    data = message.get(b"data")
    if not isinstance(data, bytes):
        raise ProtocolError(f"an array's data is {describe(data)}, but must be bytes")
    if math.prod(shape) * dtype.itemsize != len(data):
        raise ProtocolError(
            f"an array of shape {shape} and type {dtype.str} needs "
            f"{math.prod(shape) * dtype.itemsize} bytes, but has {len(data)}"
        )
    array: np.ndarray[Any, Any] = np.frombuffer(data, dtype).reshape(shape).copy()
    return array


def _decode_scalar(message: dict[Any, Any]) -> Any:
    dtype = _check_dtype(message.get(b"dtype"), _SCALAR_TYPES)
    data = message.get(b"data")
    if not isinstance(data, (bool, int, float)) or (
        dtype.kind in "iu" and not _fits(data, np.iinfo(dtype))
    ):
        raise ProtocolError(f"a scalar of type {dtype.str} cannot be {describe(data)}")
    with np.errstate(over="ignore"):
        return dtype.type(data)


def _fits(data: bool | int | float, limits: "np.iinfo[Any]") -> bool:
    return isinstance(data, int) and limits.min <= data <= limits.max


def _check_dtype(name: Any, allowed: frozenset[str]) -> np.dtype[Any]:
    if not isinstance(name, str) or name[:1] not in tuple("<>|=") or name[1:] not in allowed:
        raise ProtocolError(
            f"a dtype that is {describe(name)} cannot be sent; valid are "
            f"{', '.join(sorted(allowed))} with a byte order before them, such as '<f4'"
        )
    return np.dtype(name)


def _check_shape(shape: Any) -> tuple[int, ...]:
    if (
        not isinstance(shape, list)
        or len(shape) > MAX_DIMENSIONS
        or not all(type(n) is int and 0 <= n <= MAX_FRAME_BYTES for n in shape)
    ):
        raise ProtocolError(
            f"an array's shape cannot be {describe(shape)}; it is a list of at most "
            f"{MAX_DIMENSIONS} lengths from 0 to {MAX_FRAME_BYTES}"
        )
    return tuple(shape)


def _refuse_extension(code: int, data: bytes) -> NoReturn:
    raise ProtocolError(f"msgpack extension type {code} is not part of the protocol")
