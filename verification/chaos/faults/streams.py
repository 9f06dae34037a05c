# SPDX-License-Identifier: Apache-2.0
"""Effects of broken sensors and drivers on a stream of messages.

A `Shuffle` drops, repeats or reorders serialised messages; an `Edit` changes the fields of one. An
effect exists as long as its fault, and may keep messages that have passed.
"""

import math
import time
from array import array
from collections.abc import Callable
from typing import Any

from verification.chaos.faults.fault import Fault
from verification.chaos.faults.kinds import ENCODER_RAD, stuck_bit

Shuffle = Callable[[bytes], list[bytes]]
Edit = Callable[[Any], Any]

_WRONG_ENCODING = "yuv411p"
_JOINT_ARRAYS = ("position", "velocity", "effort")
_LATE = ("view_late", "joints_late", "late_delivery")
_FINGER = "finger"  # in the names of joints that are not the arm's
_RAMP_RAD_S = 0.1


def shuffle_of(fault: Fault) -> Shuffle | None:
    """Return the fault's effect on the sequence of messages; None: it has none."""
    make = _SHUFFLES.get(fault.kind)
    return make() if make else None


def edit_of(fault: Fault) -> Edit | None:
    """Return the fault's effect on the fields of a message; None: it has none."""
    make = _EDITS.get(fault.kind)
    return make(fault) if make else None


def delay_s_of(fault: Fault) -> float:
    """Return how long the fault delays messages [s]."""
    return float(fault.values["delay_s"]) if fault.kind in _LATE else 0.0


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


def _outlying_joints(fault: Fault) -> Edit:
    """Falsify a few samples, or one bit of an encoder as long as the fault lasts."""
    values, which, off_rad = fault.values, _joint(fault), _signed(fault, "off_rad")
    left = round(float(values["samples"]))
    bit = stuck_bit(abs(off_rad))
    stuck: dict[int, int] = {}

    def stick(index: int, position: float) -> float:
        count = round(position / ENCODER_RAD)
        stuck.setdefault(index, ~count & 1 << bit)  # the opposite of its first value
        return (count & ~(1 << bit) | stuck[index]) * ENCODER_RAD

    def outlying(joints: Any) -> Any:
        nonlocal left
        if values["what"] == "stuck_bit":
            return _edit(joints, "position", which, stick)
        left -= 1
        if left < 0:
            return joints
        if values["what"] == "degrees":
            return _edit(joints, "position", "all", lambda _, position: math.degrees(position))
        return _edit(joints, "position", which, lambda _, position: position + off_rad)

    return outlying


def _offset_joints(fault: Fault) -> Edit:
    """Add a constant offset to the positions, at once or as a ramp."""
    which, off_rad, began_s = _joint(fault), _signed(fault, "off_rad"), time.monotonic()

    def offset(joints: Any) -> Any:
        by_rad = off_rad
        if fault.values["onset"] == "ramp":
            ramp_rad = _RAMP_RAD_S * (time.monotonic() - began_s)
            by_rad = math.copysign(min(abs(off_rad), ramp_rad), off_rad)
        return _edit(joints, "position", which, lambda _, position: position + by_rad)

    return offset


def _false_velocity(fault: Fault) -> Edit:
    """Replace the velocity of a joint by a constant; the positions stay true."""
    which, speed_rad_s = _joint(fault), _signed(fault, "speed_rad_s")
    return lambda joints: _edit(joints, "velocity", which, lambda _, velocity: speed_rad_s)


def another_arm(fault: Fault) -> Edit:
    """Return the edit that yields the joint states of another arm, at rest and offset."""
    which, off_rad, there = _joint(fault), _signed(fault, "off_rad"), array("d")

    def another(joints: Any) -> Any:
        if not there:
            moved = _edit(joints, "position", which, lambda _, position: position + off_rad)
            there.extend(moved.position)
        joints.position = there
        joints.velocity = array("d", [0.0] * len(joints.name))
        return joints

    return another


def _signed(fault: Fault, name: str) -> float:
    value = float(fault.values[name])
    return -value if fault.values["sign"] == "-" else value


def _joint(fault: Fault) -> str:
    return str(fault.values["joint"])


def _edit(joints: Any, name: str, which: str, edit: Callable[[int, float], float]) -> Any:
    """Edit a field of one joint of the arm, or of all (`which`: all).

    They are numbered from 1 to 7; of an arm with n joints, those numbers are spread over all n.
    """
    arm = [n for n, joint in enumerate(joints.name) if _FINGER not in joint]
    chosen = arm if which == "all" else [arm[round((int(which) - 1) * (len(arm) - 1) / 6)]]
    values = getattr(joints, name)
    changed = (edit(n, value) if n in chosen else value for n, value in enumerate(values))
    setattr(joints, name, array("d", changed))
    return joints


_SHUFFLES: dict[str, Callable[[], Shuffle]] = {
    "view_frozen": _repeat_first,
    "view_duplicated": lambda: lambda message: [message, message],
    "view_reordered": _swap_neighbours,
    "view_dropped": lambda: lambda message: [],
    "joints_stale": _repeat_first,
    "joints_dropped": lambda: lambda message: [],
}
_EDITS: dict[str, Callable[[Fault], Edit]] = {
    "view_still": lambda _: _still_picture(),
    "view_wrong_size": lambda _: _wrong_size,
    "view_wrong_encoding": lambda _: _wrong_encoding,
    "joints_frozen": lambda _: _frozen_joints(),
    "joints_nan": lambda _: _nan_joint,
    "joints_missing": lambda _: _missing_joint,
    "joints_swapped": lambda _: _reversed_joints,
    "joints_outlier": _outlying_joints,
    "joints_offset": _offset_joints,
    "velocity_false": _false_velocity,
}
