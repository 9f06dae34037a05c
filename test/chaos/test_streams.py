# SPDX-License-Identifier: Apache-2.0
"""What broken sensors make of messages."""

import math
from array import array
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pytest

from chaos.faults import JOINTS, KINDS, VIEWS, Fault
from chaos.streams import delay_s_of, edit_of, shuffle_of

NAMES = ["a", "b", "c"]


@dataclass
class Joints:
    stamp: int = 0
    name: list[str] = field(default_factory=lambda: list(NAMES))
    position: Any = field(default_factory=lambda: array("d", [1.0, 2.0, 3.0]))
    velocity: Any = field(default_factory=lambda: array("d", [0.1, 0.2, 0.3]))
    effort: Any = field(default_factory=lambda: array("d", [10.0, 20.0, 30.0]))


@dataclass
class Picture:
    height: int = 4
    width: int = 2
    step: int = 6
    encoding: str = "rgb8"
    data: bytes = bytes(range(24))


def shuffled(kind: str, *messages: bytes) -> list[bytes]:
    shuffle = shuffle_of(Fault(0, kind))
    assert shuffle is not None
    return list(chain.from_iterable(shuffle(message) for message in messages))


def edited(kind: str, *messages: Any) -> Any:
    """The last message, after the effect has seen all of them."""
    edit = edit_of(Fault(0, kind))
    assert edit is not None
    return [edit(message) for message in messages][-1]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("view_frozen", [b"1", b"1", b"1"]),
        ("joints_stale", [b"1", b"1", b"1"]),
        ("view_duplicated", [b"1", b"1", b"2", b"2", b"3", b"3"]),
        ("view_reordered", [b"2", b"1"]),
        ("view_dropped", []),
        ("joints_dropped", []),
    ],
)
def test_messages_are_shuffled(kind: str, expected: list[bytes]) -> None:
    assert shuffled(kind, b"1", b"2", b"3") == expected


def test_a_fault_remembers_nothing_of_the_last_one() -> None:
    assert shuffled("view_frozen", b"1") == [b"1"]
    assert shuffled("view_frozen", b"2") == [b"2"]


def test_joints_freeze_while_their_stamps_go_on() -> None:
    later = Joints(7, position=array("d", [9.0, 9.0, 9.0]))
    frozen = edited("joints_frozen", Joints(), later)
    assert (frozen.stamp, list(frozen.position)) == (7, [1.0, 2.0, 3.0])


def test_one_joint_is_no_number() -> None:
    joints = edited("joints_nan", Joints())
    assert [math.isnan(value) for value in joints.position] == [True, False, False]
    assert joints.name == NAMES


def test_one_joint_is_missing() -> None:
    joints = edited("joints_missing", Joints())
    assert joints.name == ["b", "c"]
    assert [list(v) for v in (joints.position, joints.velocity, joints.effort)] == [
        [2.0, 3.0],
        [0.2, 0.3],
        [20.0, 30.0],
    ]


def test_joints_in_another_order_say_the_same() -> None:
    joints, original = edited("joints_swapped", Joints()), Joints()
    assert joints.name != NAMES
    for values in ("position", "velocity", "effort"):
        said = dict(zip(joints.name, getattr(joints, values), strict=True))
        assert said == dict(zip(NAMES, getattr(original, values), strict=True))


def test_a_still_picture_has_the_pixels_of_the_first() -> None:
    assert edited("view_still", Picture(), Picture(data=bytes(24))).data == Picture().data


def test_a_picture_of_another_size_is_whole() -> None:
    picture = edited("view_wrong_size", Picture())
    assert len(picture.data) == picture.step * picture.height
    assert picture.height != Picture().height


def test_a_picture_of_an_encoding_that_nobody_knows() -> None:
    assert edited("view_wrong_encoding", Picture()).encoding != "rgb8"


def test_late_is_late() -> None:
    assert delay_s_of(Fault(0, "view_late", {"delay_s": 0.3})) == 0.3
    assert delay_s_of(Fault(0, "view_dropped")) == 0.0


@pytest.mark.parametrize("kind", [n for n, k in KINDS.items() if k.layer in (VIEWS, JOINTS)])
def test_every_fault_of_a_sensor_does_one_thing(kind: str) -> None:
    fault = Fault(0, kind, {"delay_s": 0.1} if kind.endswith("late") else {})
    effects = (shuffle_of(fault), edit_of(fault), delay_s_of(fault) or None)
    assert sum(effect is not None for effect in effects) == 1
