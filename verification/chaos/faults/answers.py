# SPDX-License-Identifier: Apache-2.0
"""Invalid messages of a broken policy server, as bytes of a websocket connection."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from websockets.frames import Close, CloseCode, Frame, Opcode

from vera_ros.wire.protocol.codec import pack, unpack
from verification.chaos.faults.fault import Fault

_HUGE_BYTES = 2**31  # length in the frame header, never sent
_ACTION_KEY = b"\xa6action"  # in msgpack
_TRACEBACK = """\
Traceback (most recent call last):
  File "policy.py", line 1, in infer
RuntimeError: CUDA out of memory
"""


@dataclass(frozen=True)
class Corrupted:
    """Bytes sent to the client in place of an answer; `hang_up`: close the connection then."""

    data: bytes
    hang_up: bool = False


def has_actions(payload: bytes) -> bool:
    """Whether a message is the answer to an `infer` request."""
    return _ACTION_KEY in payload


def corrupt_answer(fault: Fault, payload: bytes, rng: np.random.Generator) -> Corrupted:
    """Return what the fault makes of an answer with actions. `payload`: msgpack."""
    return _ANSWERS[fault.kind](fault, payload, rng)


def corrupt_config(fault: Fault, payload: bytes) -> bytes:
    """Return what the fault makes of the server's configuration. `payload`: msgpack."""
    config = unpack(payload)
    if fault.kind == "other_robot":
        config["embodiment"] = "droid"
    else:
        config["view_keys"] = config["view_keys"][::-1]
        config["view_widths"] = config["view_widths"][::-1]
    return pack(config)


def binary(payload: bytes) -> bytes:
    """Return the websocket frame of a server's binary message."""
    return Frame(Opcode.BINARY, payload).serialize(mask=False)


def _garbage(fault: Fault, payload: bytes, rng: np.random.Generator) -> Corrupted:
    return Corrupted(binary(rng.bytes(round(float(fault.values["bytes"])))))


def _truncated(fault: Fault, payload: bytes, rng: np.random.Generator) -> Corrupted:
    return Corrupted(binary(_first_part(payload, fault)))


def _torn(fault: Fault, payload: bytes, rng: np.random.Generator) -> Corrupted:
    return Corrupted(_first_part(binary(payload), fault), hang_up=True)


def _oversized(fault: Fault, payload: bytes, rng: np.random.Generator) -> Corrupted:
    return Corrupted(bytes((0x80 | Opcode.BINARY, 127)) + _HUGE_BYTES.to_bytes(8, "big"))


def _nan_actions(fault: Fault, payload: bytes, rng: np.random.Generator) -> Corrupted:
    def poison(action: Any) -> Any:
        action.flat[rng.integers(action.size)] = float(fault.values["value"])
        return action

    return _with_action(payload, poison)


def _wrong_shape(fault: Fault, payload: bytes, rng: np.random.Generator) -> Corrupted:
    shapes: dict[Any, Callable[[Any], Any]] = {
        "columns": lambda action: action[:, :-1],
        "flat": lambda action: action.ravel(),
        "empty": lambda action: action[:0],
    }
    return _with_action(payload, shapes[fault.values["shape"]])


def _error_text(fault: Fault, payload: bytes, rng: np.random.Generator) -> Corrupted:
    text = Frame(Opcode.TEXT, _TRACEBACK.encode()).serialize(mask=False)
    close = Close(CloseCode.INTERNAL_ERROR, "server error, see the last text").serialize()
    return Corrupted(text + Frame(Opcode.CLOSE, close).serialize(mask=False), hang_up=True)


_ANSWERS = {
    "garbage": _garbage,
    "truncated": _truncated,
    "torn": _torn,
    "oversized": _oversized,
    "nan_actions": _nan_actions,
    "wrong_shape": _wrong_shape,
    "error_text": _error_text,
}
CORRUPTED_ANSWERS = tuple(_ANSWERS)
CORRUPTED_CONFIGS = ("other_robot", "swapped_views")


def _first_part(data: bytes, fault: Fault) -> bytes:
    """Return the fault's share of the data: at least one byte, and never all of them."""
    return data[: max(1, min(len(data) - 1, round(len(data) * float(fault.values["share"]))))]


def _with_action(payload: bytes, change: Callable[[Any], Any]) -> Corrupted:
    answer = unpack(payload)
    answer["action"] = np.ascontiguousarray(change(answer["action"]))
    return Corrupted(binary(pack(answer)))
