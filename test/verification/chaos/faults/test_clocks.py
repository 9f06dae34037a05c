# SPDX-License-Identifier: Apache-2.0
"""A clock that is wrong shifts what goes out and what comes in, and nothing else."""

from typing import Any

import pytest
from geometry_msgs.msg import PoseStamped
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from vera_ros.nodes.common.conversions import ns_to_stamp, stamp_to_ns
from vera_ros_interfaces.msg import ActionChunk, ArmStatus, ChunkProgress
from verification.chaos.faults.clocks import CONTROLLER, IK, POLICY, Clocks, shift
from verification.chaos.faults.fault import Fault

MACHINES = (IK, POLICY, CONTROLLER)
LASTS_S = 2.0
SECOND = 1_000_000_000


class Watch:
    """Tells the time that it is set to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def skewed(watch: Watch, machine: str, course: str, sign: str = "ahead") -> Clocks:
    clocks = Clocks(watch)
    values: dict[str, str | float] = {
        "machine": machine,
        "course": course,
        "sign": sign,
        "offset_s": 0.3,
    }
    clocks.skew(Fault(0, "clock_skew", {**values, "duration_s": LASTS_S}))
    return clocks


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("sign", "ahead_s"), [("ahead", 0.3), ("behind", -0.3)])
def test_what_leaves_is_ahead_and_what_comes_is_behind(
    machine: str, sign: str, ahead_s: float
) -> None:
    clocks = skewed(Watch(), machine, "step", sign)
    for source in MACHINES:
        for sink in MACHINES:
            expected = ahead_s * ((source == machine) - (sink == machine))
            assert clocks.ahead_s(source, sink) == expected
    assert clocks.ahead_s("", "") == 0.0


@pytest.mark.parametrize(
    ("course", "expected"),
    [
        ("step", {0.0: 0.3, 1.0: 0.3, 1.9: 0.3}),
        ("steps", {0.1: 0.3, 0.6: 0.0, 1.1: 0.3, 1.6: 0.0}),
        ("drift", {0.0: 0.0, 1.0: 0.15, 2.0: 0.3, 5.0: 0.3}),
    ],
)
def test_clocks_step_and_drift(course: str, expected: dict[float, float]) -> None:
    watch = Watch()
    clocks, began_s = skewed(watch, IK, course), watch.now_s
    for since_s, ahead_s in expected.items():
        watch.now_s = began_s + since_s
        assert clocks.ahead_s(IK, CONTROLLER) == pytest.approx(ahead_s)
    clocks.heal()
    assert clocks.ahead_s(IK, CONTROLLER) == 0.0


def test_nobody_can_know_of_a_step_at_once() -> None:
    watch = Watch()
    assert Clocks(watch).uncertainty_s(IK, CONTROLLER) == 0.0
    clocks = skewed(watch, CONTROLLER, "step")
    assert clocks.uncertainty_s(IK, CONTROLLER) == pytest.approx(0.31)
    assert clocks.uncertainty_s(POLICY, IK) == 0.0
    watch.now_s += 1.0
    assert clocks.uncertainty_s(IK, CONTROLLER) == pytest.approx(0.01)  # it was measured since
    clocks.heal()
    clocks.heal()  # a second time changes nothing
    watch.now_s += 0.05
    assert clocks.uncertainty_s(IK, CONTROLLER) == pytest.approx(0.31)
    watch.now_s += 10.0
    assert clocks.uncertainty_s(IK, CONTROLLER) == 0.0


def test_of_a_drift_one_cannot_know_the_last_moment() -> None:
    watch = Watch()
    clocks = skewed(watch, IK, "drift")
    watch.now_s += 1.0
    assert clocks.uncertainty_s(IK, CONTROLLER) == pytest.approx(0.3 * 0.1 / LASTS_S + 0.01)


def chunk(ns: int) -> ActionChunk:
    message = ActionChunk(sent=ns_to_stamp(ns), start=ns_to_stamp(ns))
    message.header.stamp, message.planned_from.header.stamp = ns_to_stamp(ns), ns_to_stamp(ns)
    return message


def progress(ns: int) -> ChunkProgress:
    message = ChunkProgress(step_times=[ns_to_stamp(ns), ns_to_stamp(ns)], end=ns_to_stamp(ns))
    message.header.stamp = ns_to_stamp(ns)
    return message


def stamps(message: Any) -> list[int]:
    """Those of every field of a message, however deep."""
    if hasattr(message, "nanosec"):
        return [stamp_to_ns(message)]
    if isinstance(message, list):
        return [ns for one in message for ns in stamps(one)]
    names = message.get_fields_and_field_types() if hasattr(message, "SLOT_TYPES") else ()
    return [ns for name in names for ns in stamps(getattr(message, name))]


@given(at_ns=st.integers(SECOND, 2**31 * SECOND // 2), ahead_s=st.floats(-1.0, 1.0))
def test_every_stamp_is_shifted(at_ns: int, ahead_s: float) -> None:
    messages = [chunk(at_ns), progress(at_ns)]
    for kind in (JointState, JointTrajectory, PoseStamped, ArmStatus):
        message = kind()
        message.header.stamp = ns_to_stamp(at_ns)
        messages.append(message)
    for message in messages:
        count = len(stamps(message))
        assert stamps(shift(message, ahead_s)) == [at_ns + round(ahead_s * 1e9)] * count


def test_no_stamp_stays_none() -> None:
    assert stamps(shift(chunk(0), 0.5)) == [0] * 4


def test_a_stamp_does_not_become_less_than_none() -> None:
    assert stamps(shift(progress(1000), -0.5)) == [0] * 4
