# SPDX-License-Identifier: Apache-2.0
"""What broken sensors make of messages."""

import math
from array import array
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification.chaos.faults.fault import Fault
from verification.chaos.faults.kind import JOINTS, VIEWS
from verification.chaos.faults.kinds import KINDS
from verification.chaos.faults.streams import another_arm, delay_s_of, edit_of, shuffle_of

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


EVERY_VALUE: dict[str, float | str] = {
    "delay_s": 0.1,
    "duration_s": 1.0,
    "off_rad": 0.1,
    "samples": 1.0,
    "speed_rad_s": 0.5,
    "what": "jump",
    "joint": "1",
    "sign": "+",
    "onset": "step",
    "then": "nothing",
}


@pytest.mark.parametrize(
    "kind", [n for n, k in KINDS.items() if k.layer in (VIEWS, JOINTS) and n != "second_publisher"]
)
def test_every_fault_of_a_sensor_does_one_thing(kind: str) -> None:
    fault = Fault(0, kind, EVERY_VALUE)
    effects = (shuffle_of(fault), edit_of(fault), delay_s_of(fault) or None)
    assert sum(effect is not None for effect in effects) == 1


def arm(*positions: float) -> Joints:
    """Nine joints, the last two of them fingers."""
    return Joints(
        name=[*map(str, range(1, 8)), "finger_1", "finger_2"],
        position=array("d", [*positions, *[0.0] * (9 - len(positions))]),
        velocity=array("d", [0.0] * 9),
    )


def wrong(kind: str, count: int = 1, **values: float | str) -> list[list[float]]:
    """What the effect makes of the positions of an arm at 0.5 rad, sample by sample."""
    edit = edit_of(Fault(0, kind, EVERY_VALUE | values))
    assert edit is not None
    return [list(edit(arm(*[0.5] * 7)).position) for _ in range(count)]


def test_an_outlier_is_a_few_samples_of_a_joint() -> None:
    first, second, third = wrong("joints_outlier", 3, samples=2.2, joint="3", sign="-")
    assert first == pytest.approx([0.5, 0.5, 0.4, 0.5, 0.5, 0.5, 0.5, 0.0, 0.0])
    assert second == first
    assert third == list(arm(*[0.5] * 7).position)


def test_all_joints_may_be_wrong_and_no_finger() -> None:
    assert wrong("joints_outlier", joint="all") == [pytest.approx([0.6] * 7 + [0.0, 0.0])]
    in_degrees = wrong("joints_outlier", what="degrees", joint="1")
    assert in_degrees == [pytest.approx([math.degrees(0.5)] * 7 + [0.0, 0.0])]


@given(position=st.floats(-2.9, 2.9), off_rad=st.floats(1e-3, 3.0), moved=st.floats(-1e-4, 1e-4))
def test_a_bit_that_is_stuck_is_off_by_a_power_of_two_and_stays_so(
    position: float, off_rad: float, moved: float
) -> None:
    values = EVERY_VALUE | {"what": "stuck_bit", "off_rad": off_rad, "joint": "2"}
    edit = edit_of(Fault(0, "joints_outlier", values))
    assert edit is not None
    off = edit(arm(0.0, position)).position[1] - position
    assert off_rad / 1.5 <= abs(off) <= off_rad * 1.5
    # What matters is the error that it makes, not the one that was drawn.
    if abs(abs(off) - 0.03) > 1e-4:
        assert KINDS["joints_outlier"].slight(values) is (abs(off) < 0.03)
    unmoved = arm(0.0, position).position
    assert list(edit(arm()).position)[2:] == list(unmoved)[2:]
    for later in (position + moved, position):
        changed = edit(arm(0.0, later)).position[1]
        count = round(changed / (2.0 * math.pi / 2**20))
        bit = 1 << round(math.log2(off_rad / (2.0 * math.pi / 2**20)))
        assert (count & bit == 0) is (off < 0.0)


def test_an_offset_stays_and_may_come_slowly() -> None:
    at_once = wrong("joints_offset", 2, off_rad=0.05)
    assert at_once == [pytest.approx([0.55, *[0.5] * 6, 0.0, 0.0])] * 2
    (slowly,) = wrong("joints_offset", off_rad=0.05, onset="ramp")
    assert 0.5 <= slowly[0] < 0.51


def test_a_velocity_is_false_while_positions_are_true() -> None:
    edit = edit_of(Fault(0, "velocity_false", EVERY_VALUE | {"joint": "7", "sign": "-"}))
    assert edit is not None
    joints = edit(arm(1.0))
    assert list(joints.velocity) == [0.0] * 6 + [-0.5, 0.0, 0.0]
    assert list(joints.position) == list(arm(1.0).position)


def test_another_arm_stands_elsewhere() -> None:
    another = another_arm(Fault(0, "second_publisher", EVERY_VALUE | {"joint": "all"}))
    for own in (arm(1.0), arm(2.0)):
        own.velocity[0] = 0.7
        joints = another(own)
        assert list(joints.position) == pytest.approx([1.1, *[0.1] * 6, 0.0, 0.0])
        assert list(joints.velocity) == [0.0] * 9


@pytest.mark.parametrize(
    ("n", "joint", "moved"),
    [(6, "1", 0), (6, "6", 4), (6, "7", 5), (7, "6", 5), (16, "1", 0), (16, "4", 8), (16, "7", 15)],
)
def test_a_joint_of_the_arm_is_edited_and_no_finger(n: int, joint: str, moved: int) -> None:
    edit = edit_of(Fault(0, "joints_offset", EVERY_VALUE | {"joint": joint, "onset": "step"}))
    assert edit is not None
    joints = Joints(
        name=[*map(str, range(n)), "finger_1", "finger_2"],
        position=array("d", [0.0] * (n + 2)),
        velocity=array("d", [0.0] * (n + 2)),
    )
    assert [at for at, value in enumerate(edit(joints).position) if value] == [moved]
