# SPDX-License-Identifier: Apache-2.0
"""The gate lets nothing through that breaks a limit, and then publishes nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.motion.arm_model import ArmModel
from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.gate import ArmTrajectory, Gate, GripperLimits, GripperTrajectory
from vera_ros.motion.limits import Limits

from .chunks import START_Q, Vector, vectors
from .conftest import Published, refusal_of


def swing(offset: npt.ArrayLike = 0.1, duration_s: float = 1.0, points: int = 40) -> ArmTrajectory:
    """A minimum-jerk motion from the start posture."""
    s = np.linspace(0.0, 1.0, points + 1)[:, None]
    far = np.broadcast_to(np.asarray(offset, dtype=float), 7)
    return ArmTrajectory(
        times_s=s[1:, 0] * duration_s,
        q=(START_Q + far * s**3 * (10 - 15 * s + 6 * s**2))[1:],
        dq=(far * 30 * s**2 * (1 - s) ** 2 / duration_s)[1:],
        ddq=(far * 60 * s * (1 - s) * (1 - 2 * s) / duration_s**2)[1:],
        start_q=START_Q,
        start_dq=np.zeros(7),
        start_ddq=np.zeros(7),
    )


def with_value(name: str, value: float) -> ArmTrajectory:
    good = swing()
    changed = getattr(good, name).copy()
    changed[len(changed) // 2] = value
    return replace(good, **{name: changed})


@given(offset=vectors(-0.2, 0.2, 7))
def test_good_motion_is_published_as_it_is(
    arm: ArmModel, limits: Limits, gripper_limits: GripperLimits, offset: Vector
) -> None:
    published = Published(arm, limits, gripper_limits)
    trajectory = swing(offset, 2.0)
    published.gate.send_arm(trajectory, START_Q)
    assert published.arm == [trajectory]


FORM: list[tuple[str, Callable[[], ArmTrajectory]]] = [
    *(
        (f"{name} {value}", lambda name=name, value=value: with_value(name, value))
        for name in ("times_s", "q", "dq", "ddq", "start_q", "start_dq", "start_ddq")
        for value in (np.nan, np.inf, -np.inf)
    ),
    ("empty", lambda: replace(swing(), **{k: np.zeros((0, 7)) for k in ("q", "dq", "ddq")})),
    ("no times", lambda: replace(swing(), times_s=np.zeros(0))),
    ("six joints", lambda: replace(swing(), q=swing().q[:, :6])),
    ("short dq", lambda: replace(swing(), dq=swing().dq[1:])),
    ("start of six", lambda: replace(swing(), start_q=START_Q[:6])),
    ("times in a column", lambda: replace(swing(), times_s=swing().times_s[:, None])),
    ("time zero", lambda: replace(swing(), times_s=swing().times_s - swing().times_s[0])),
    ("times that repeat", lambda: with_value("times_s", swing().times_s[19])),
    ("times backwards", lambda: replace(swing(), times_s=swing().times_s[::-1])),
    ("times that are next to nothing", lambda: replace(swing(), times_s=swing().times_s * 1e-310)),
]


@pytest.mark.parametrize("make", [make for _, make in FORM], ids=[name for name, _ in FORM])
def test_ill_formed_motion_is_refused(
    published: Published, make: Callable[[], ArmTrajectory]
) -> None:
    with pytest.raises(MotionRefusedError) as refusal:
        published.gate.send_arm(make(), START_Q)
    assert refusal.value.cause in (Cause.INVALID_CHUNK, Cause.LIMIT_EXCEEDED)
    assert published.arm == []


@pytest.mark.parametrize(
    ("trajectory", "words"),
    [
        (swing(0.1, 16.0), "longest"),
        (replace(swing(), dq=swing().dq + 0.01), "end at rest"),
        (replace(swing(), ddq=swing().ddq + 0.01), "end at rest"),
        (swing([3.0, 0, 0, 0, 0, 0, 0], 10.0), "position of joint 1"),
        (swing([0, 0, 0, -1.0, 0, 0, 0], 10.0), "position of joint 4"),
        (swing([1.0, 0, 0, 0, 0, 0, 0], 0.8), "velocity of joint 1"),
        (swing([0, 0.3, 0, 0, 0, 0, 0], 0.45), "acceleration of joint 2"),
        (swing([0, 1e-4, 0, 0, 0, 0, 0], 0.01, points=4), "jerk of joint 2"),
        (swing([0, 0, 0, 0, 0, 0, 1.0], 0.5, points=1), "acceleration of joint 7|velocity"),
    ],
)
def test_motion_over_a_limit_is_refused(
    published: Published, trajectory: ArmTrajectory, words: str
) -> None:
    with pytest.raises(MotionRefusedError, match=words) as refusal:
        published.gate.send_arm(trajectory, START_Q)
    assert refusal.value.cause is Cause.LIMIT_EXCEEDED
    assert published.arm == []


@given(offset=vectors(-0.3, 0.3, 7))
def test_far_start_is_refused(
    arm: ArmModel, limits: Limits, gripper_limits: GripperLimits, offset: Vector
) -> None:
    published = Published(arm, limits, gripper_limits)
    if np.abs(offset).max() > limits.start_rad:
        with pytest.raises(MotionRefusedError, match="from where") as refusal:
            published.gate.send_arm(swing(), START_Q + offset)
        assert refusal.value.cause is Cause.LIMIT_EXCEEDED
    else:
        published.gate.send_arm(swing(), START_Q + offset)


@pytest.mark.parametrize("measured", [np.full(7, np.nan), np.zeros(6), np.full(7, np.inf)])
def test_measured_positions_that_are_none_are_refused(
    published: Published, measured: Vector
) -> None:
    with pytest.raises(MotionRefusedError) as refusal:
        published.gate.send_arm(swing(), measured)
    assert refusal.value.cause is Cause.NO_JOINT_STATES
    assert published.arm == []


def test_motion_out_of_the_workspace_is_refused(
    arm: ArmModel, limits: Limits, gripper_limits: GripperLimits
) -> None:
    table = replace(limits, workspace_lower=np.array([0.0, -0.5, 0.09]))
    published = Published(arm, table, gripper_limits)
    down = swing([0, 0.2, 0, 0, 0, 0, 0], 2.0)
    with pytest.raises(MotionRefusedError, match="outside the workspace") as refusal:
        published.gate.send_arm(down, START_Q)
    assert refusal.value.cause is Cause.OUTSIDE_WORKSPACE
    assert published.arm == []


def test_tcp_is_watched_between_points_that_are_far_apart(
    arm: ArmModel, limits: Limits, gripper_limits: GripperLimits
) -> None:
    """A dip below the table between two points above it was let through."""
    table = replace(limits, workspace_lower=np.array([0.0, -0.5, 0.09]))
    published = Published(arm, table, gripper_limits)
    speed = np.array([0, 0.35, 0, 0, 0, 0, 0])
    dip = ArmTrajectory(
        times_s=np.array([1.5, 3.0, 3.5]),
        q=np.tile(START_Q, (3, 1)),
        dq=np.stack((speed, 0 * speed, 0 * speed)),
        ddq=np.zeros((3, 7)),
        start_q=START_Q,
        start_dq=np.zeros(7),
        start_ddq=np.zeros(7),
    )
    assert (arm.tcp_motion(dip.q, dip.dq)[0] > table.workspace_lower).all()
    with pytest.raises(MotionRefusedError) as refusal:
        published.gate.send_arm(dip, START_Q)
    assert refusal.value.cause is Cause.OUTSIDE_WORKSPACE


@pytest.mark.parametrize(("name", "words"), [("tcp_speed_m_s", "move"), ("tcp_turn_rad_s", "turn")])
def test_tcp_that_is_too_fast_is_refused(
    arm: ArmModel, limits: Limits, gripper_limits: GripperLimits, name: str, words: str
) -> None:
    bounds: dict[str, Any] = {name: 0.05}
    published = Published(arm, replace(limits, **bounds), gripper_limits)
    with pytest.raises(MotionRefusedError, match=words) as refusal:
        published.gate.send_arm(swing([0.3, 0, 0, 0, 0, 0, 0], 1.0), START_Q)
    assert refusal.value.cause is Cause.LIMIT_EXCEEDED
    assert published.arm == []


def fingers(times: list[float], positions: list[float], start: float = 0.04) -> GripperTrajectory:
    return GripperTrajectory(np.array(times), np.array(positions), start)


def test_good_gripper_motion_is_published(published: Published) -> None:
    trajectory = fingers([0.4, 0.5], [0.0, 0.0])
    published.gate.send_gripper(trajectory)
    assert published.gripper == [trajectory]


@pytest.mark.parametrize(
    ("trajectory", "cause"),
    [
        (fingers([], []), Cause.INVALID_CHUNK),
        (fingers([0.4], [0.0, 0.0]), Cause.INVALID_CHUNK),
        (fingers([0.0, 0.4], [0.04, 0.0]), Cause.INVALID_CHUNK),
        (fingers([0.4, 0.4], [0.0, 0.0]), Cause.INVALID_CHUNK),
        (fingers([0.5, 0.4], [0.0, 0.0]), Cause.INVALID_CHUNK),
        (fingers([np.nan], [0.0]), Cause.INVALID_CHUNK),
        (fingers([0.4], [np.nan]), Cause.INVALID_CHUNK),
        (fingers([0.4], [np.inf]), Cause.INVALID_CHUNK),
        (fingers([0.4], [0.0], np.nan), Cause.INVALID_CHUNK),
        (fingers([0.6], [-0.01]), Cause.LIMIT_EXCEEDED),
        (fingers([0.6], [0.05]), Cause.LIMIT_EXCEEDED),
        (fingers([0.2], [0.0]), Cause.LIMIT_EXCEEDED),
        (fingers([16.0], [0.0]), Cause.LIMIT_EXCEEDED),
    ],
)
def test_bad_gripper_motion_is_refused(
    published: Published, trajectory: GripperTrajectory, cause: Cause
) -> None:
    with pytest.raises(MotionRefusedError) as refusal:
        published.gate.send_gripper(trajectory)
    assert refusal.value.cause is cause
    assert published.gripper == []


@pytest.mark.parametrize(
    "values",
    [(0.04, 0.0, 0.1, 1.0), (0.0, np.nan, 0.1, 1.0), (0.0, 0.04, 0.0, 1.0), (0.0, 0.04, 0.1, -1.0)],
)
def test_gripper_limits_that_are_nonsense_are_refused(
    values: tuple[float, float, float, float],
) -> None:
    with pytest.raises(ConfigurationError, match="fingers"):
        GripperLimits(*values)


@given(value=st.floats(), name=st.sampled_from(["q", "dq", "ddq", "times_s", "start_dq"]))
def test_no_number_makes_the_gate_fail_otherwise(
    arm: ArmModel, limits: Limits, gripper_limits: GripperLimits, value: float, name: str
) -> None:
    gate = Gate(arm, limits, gripper_limits, lambda _: None, lambda _: None)
    refusal = refusal_of(lambda: gate.check_arm(with_value(name, value), START_Q))
    assert refusal is None or refusal.cause is not Cause.NONE
