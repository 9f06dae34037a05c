# SPDX-License-Identifier: Apache-2.0
"""From messages to values and back."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image, JointState
from trajectory_msgs.msg import JointTrajectory

from vera_ros.nodes.common.conversions import (
    LATCHED,
    doubles,
    duration_to_seconds,
    in_order,
    joint_trajectory,
    ns_to_stamp,
    rgb_to_image,
    seconds_to_duration,
    sensor_qos,
    stamp_to_ns,
)
from vera_ros.vision.images import to_rgb

patient = settings(deadline=None)  # a busy machine must not fail a test
NAMES = ("a", "b", "c")


@patient
@given(st.integers(0, 2**31 * 1_000_000_000 - 1))
def test_stamps_keep_every_nanosecond(ns: int) -> None:
    stamp = ns_to_stamp(ns)
    assert 0 <= stamp.nanosec < 1_000_000_000
    assert stamp_to_ns(stamp) == ns


@patient
@given(st.floats(-1e6, 1e6))
def test_durations_keep_nanoseconds(seconds: float) -> None:
    duration = seconds_to_duration(seconds)
    assert 0 <= duration.nanosec < 1_000_000_000
    assert duration_to_seconds(duration) == pytest.approx(seconds, abs=2e-9)


@patient
@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3)))
def test_doubles_are_row_major_whatever_the_layout(values: npt.NDArray[np.float64]) -> None:
    for layout in (values, np.asfortranarray(values), values[..., ::-1]):
        np.testing.assert_array_equal(np.array(doubles(layout)), layout.ravel())


@patient
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_pictures_survive_the_message(rgb: npt.NDArray[np.uint8]) -> None:
    for layout in (rgb, rgb[..., ::-1]):
        image = rgb_to_image(layout, 1_500_000_000, "camera")
        heard = deserialize_message(serialize_message(image), Image)
        assert (stamp_to_ns(heard.header.stamp), heard.header.frame_id) == (1_500_000_000, "camera")
        np.testing.assert_array_equal(to_rgb(heard), layout)


def test_a_trajectory_starts_now_and_has_what_it_was_given() -> None:
    times = np.array([0.1, 1.25])
    q, dq = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    message = joint_trajectory(list(NAMES), times, q, dq)
    heard = deserialize_message(serialize_message(message), JointTrajectory)
    assert stamp_to_ns(heard.header.stamp) == 0
    assert heard.joint_names == list(NAMES)
    for index, point in enumerate(heard.points):
        assert duration_to_seconds(point.time_from_start) == times[index]
        assert list(point.positions) == q[index].tolist()
        assert list(point.velocities) == [1.0] * 3
        assert list(point.accelerations) == []
    assert not joint_trajectory(["a"], times, q[:, :1]).points[0].velocities


@patient
@given(st.permutations(range(5)))
def test_joint_states_are_picked_by_name(order: list[int]) -> None:
    names = ["a", "x", "b", "y", "c"]
    values = [1.0, 9.0, 2.0, 9.0, 3.0]
    message = JointState(name=[names[i] for i in order], position=[values[i] for i in order])
    np.testing.assert_array_equal(in_order(message, NAMES, "position"), [1.0, 2.0, 3.0])


def spoilt() -> Iterator[tuple[JointState, type[Exception]]]:
    yield JointState(name=["a", "b"], position=[1.0, 2.0]), KeyError
    yield JointState(name=list(NAMES), position=[1.0, 2.0]), ValueError
    yield JointState(name=list(NAMES), position=[]), ValueError
    yield JointState(name=list(NAMES), position=[1.0, np.nan, 3.0]), ValueError
    yield JointState(name=list(NAMES), position=[1.0, 2.0, -np.inf]), ValueError
    yield JointState(), KeyError


@pytest.mark.parametrize(("message", "error"), list(spoilt()))
def test_joint_states_that_lack_something(message: JointState, error: type[Exception]) -> None:
    with pytest.raises(error):
        in_order(message, NAMES, "position")


def test_a_missing_joint_is_named() -> None:
    with pytest.raises(KeyError, match="c"):
        in_order(JointState(name=["a", "b"], position=[1.0, 2.0]), NAMES, "position")


def test_qualities_of_service() -> None:
    assert sensor_qos("reliable").reliability is ReliabilityPolicy.RELIABLE
    assert sensor_qos("best_effort").reliability is ReliabilityPolicy.BEST_EFFORT
    assert LATCHED.durability is DurabilityPolicy.TRANSIENT_LOCAL
