# SPDX-License-Identifier: Apache-2.0
"""What a broken sensor or driver makes of a stream of messages.

Some effects take messages as they are, serialised; others edit what is in them. An effect lives as
long as its fault, and may remember the messages that it has seen.
"""

import math
from array import array
from collections.abc import Callable
from typing import Any

from chaos.faults import Fault

Shuffle = Callable[[bytes], list[bytes]]
Edit = Callable[[Any], Any]

_WRONG_ENCODING = "yuv411p"
_JOINT_ARRAYS = ("position", "velocity", "effort")


def shuffle_of(fault: Fault) -> Shuffle | None:
    """What the fault makes of serialised messages; None: it leaves their order as it is."""
    make = _SHUFFLES.get(fault.kind)
    return make() if make else None


def edit_of(fault: Fault) -> Edit | None:
    """What the fault makes of a message; None: it does not look into messages."""
    make = _EDITS.get(fault.kind)
    return make() if make else None


def delay_s_of(fault: Fault) -> float:
    """How long the fault holds messages back [s]."""
    return float(fault.values["delay_s"]) if fault.kind in ("view_late", "joints_late") else 0.0


def _repeat_first() -> Shuffle:
    first: list[bytes] = []

    def repeat(message: bytes) -> list[bytes]:
        first[:] = first or [message]
        return first[:]

    return repeat


def _swap_neighbours() -> Shuffle:
    held: list[bytes] = []

    def swap(message: bytes) -> list[bytes]:
        if held:
            return [message, held.pop()]
        held.append(message)
        return []

    return swap


def _still_picture() -> Edit:
    first: list[Any] = []

    def still(image: Any) -> Any:
        first[:] = first or [image]
        image.data = first[0].data
        return image

    return still


def _wrong_size(image: Any) -> Any:
    image.height //= 2
    image.data = image.data[: image.step * image.height]
    return image


def _wrong_encoding(image: Any) -> Any:
    image.encoding = _WRONG_ENCODING
    return image


def _frozen_joints() -> Edit:
    first: list[Any] = []

    def frozen(joints: Any) -> Any:
        first[:] = first or [joints]
        for name in _JOINT_ARRAYS:
            setattr(joints, name, getattr(first[0], name))
        return joints

    return frozen


def _nan_joint(joints: Any) -> Any:
    joints.position = array("d", [math.nan, *joints.position[1:]])
    return joints


def _missing_joint(joints: Any) -> Any:
    joints.name = joints.name[1:]
    for name in _JOINT_ARRAYS:
        setattr(joints, name, getattr(joints, name)[1:])
    return joints


def _reversed_joints(joints: Any) -> Any:
    joints.name = joints.name[::-1]
    for name in _JOINT_ARRAYS:
        setattr(joints, name, getattr(joints, name)[::-1])
    return joints


_SHUFFLES: dict[str, Callable[[], Shuffle]] = {
    "view_frozen": _repeat_first,
    "view_duplicated": lambda: lambda message: [message, message],
    "view_reordered": _swap_neighbours,
    "view_dropped": lambda: lambda message: [],
    "joints_stale": _repeat_first,
    "joints_dropped": lambda: lambda message: [],
}
_EDITS: dict[str, Callable[[], Edit]] = {
    "view_still": _still_picture,
    "view_wrong_size": lambda: _wrong_size,
    "view_wrong_encoding": lambda: _wrong_encoding,
    "joints_frozen": _frozen_joints,
    "joints_nan": lambda: _nan_joint,
    "joints_missing": lambda: _missing_joint,
    "joints_swapped": lambda: _reversed_joints,
}
