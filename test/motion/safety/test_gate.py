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
from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import GripperLimits, Limits
from vera_ros.motion.planning.plan import Plan
from vera_ros.motion.planning.start import hold
from vera_ros.motion.safety.gate import Gate
from vera_ros.motion.setpoint.played_spline import QuinticPieces
from vera_ros.motion.setpoint.setpoint import PAST_S, Setpoint
from vera_ros.motion.trajectory import ArmState, ArmTrajectory, GripperTrajectory, Points
from verification.judge.played import state_at

from ..chunks import START_Q, Vector, vectors
from ..conftest import Published, refusal_of

NOW_S = 1.7e9


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
    changed: Any = getattr(good, name).copy()
    changed[len(changed) // 2] = value
    more: dict[str, Any] = {name: changed}
    return replace(good, **more)


@given(offset=vectors(-0.2, 0.2, 7))
def test_good_motion_is_published_as_it_is(
    arm: ArmModel, limits: Limits, gripper_limits: GripperLimits, offset: Vector
) -> None:
    published = Published(arm, limits, gripper_limits)
    trajectory = swing(offset, 2.0)
    published.gate.send_arm(trajectory, ArmState(START_Q), NOW_S)
    (sent,) = published.arm
    for name in ("times_s", "q", "dq", "ddq"):
        np.testing.assert_array_equal(getattr(sent, name), getattr(trajectory, name))
    # With the rest before it, so that a controller may take it up at any moment from then on.
    assert sent.past is not None
    np.testing.assert_array_equal(sent.past.q, START_Q[None])
    np.testing.assert_allclose(sent.past.times_s, -PAST_S, atol=1e-6)


NONE = np.zeros((0, 7))
FORM: list[tuple[str, Callable[[], ArmTrajectory]]] = [
    *(
        (f"{name} {value}", lambda name=name, value=value: with_value(name, value))
        for name in ("times_s", "q", "dq", "ddq", "start_q", "start_dq", "start_ddq")
        for value in (np.nan, np.inf, -np.inf)
    ),
    ("empty", lambda: replace(swing(), q=NONE, dq=NONE, ddq=NONE)),
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
        published.gate.send_arm(make(), ArmState(START_Q), NOW_S)
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
        published.gate.send_arm(trajectory, ArmState(START_Q), NOW_S)
    assert refusal.value.cause is Cause.LIMIT_EXCEEDED
    assert published.arm == []


@given(offset=vectors(-0.3, 0.3, 7))
def test_far_start_is_refused(
    arm: ArmModel, limits: Limits, gripper_limits: GripperLimits, offset: Vector
) -> None:
    published = Published(arm, limits, gripper_limits)
    if np.abs(offset).max() > limits.start_rad:
        with pytest.raises(MotionRefusedError, match="from where") as refusal:
            published.gate.send_arm(swing(), ArmState(START_Q + offset), NOW_S)
        assert refusal.value.cause is Cause.LIMIT_EXCEEDED
    else:
        published.gate.send_arm(swing(), ArmState(START_Q + offset), NOW_S)


@pytest.mark.parametrize(
    ("distance", "speed", "age_s", "cause"),
    [
        (0.08, 1.0, 0.08, Cause.NO_JOINT_STATES),  # at that speed, it has come so far since
        (0.2, 0.0, 0.3, Cause.NO_JOINT_STATES),  # it may have begun to move since
        (0.08, 1.0, 0.01, Cause.LIMIT_EXCEEDED),
        (0.08, 0.0, 0.05, Cause.LIMIT_EXCEEDED),
        (0.3, 1.0, 0.08, Cause.LIMIT_EXCEEDED),
        (0.08, 1.0, -0.1, Cause.LIMIT_EXCEEDED),  # a stamp ahead of the clock
    ],
)
def test_a_start_far_from_where_the_arm_was_may_mean_late_joint_states(
    published: Published, distance: float, speed: float, age_s: float, cause: Cause
) -> None:
    """Once, joint states that failed to come for a moment looked like an arm that lags behind."""
    joint = np.eye(7)[3]
    measured = ArmState(START_Q + distance * joint, -speed * joint, NOW_S - age_s)
    refusal = refusal_of(lambda: published.gate.send_arm(swing(), measured, NOW_S))
    assert refusal is not None
    assert refusal.cause is cause
    is_late = cause is Cause.NO_JOINT_STATES
    assert f"from where joint 4 {f'was {age_s:.2f} s ago' if is_late else 'is'}" in str(refusal)
    assert published.arm == []


@pytest.mark.parametrize("measured", [np.full(7, np.nan), np.zeros(6), np.full(7, np.inf)])
def test_measured_positions_that_are_none_are_refused(
    published: Published, measured: Vector
) -> None:
    with pytest.raises(MotionRefusedError) as refusal:
        published.gate.send_arm(swing(), ArmState(measured), NOW_S)
    assert refusal.value.cause is Cause.NO_JOINT_STATES
    assert published.arm == []


def test_motion_out_of_the_workspace_is_refused(
    arm: ArmModel, limits: Limits, gripper_limits: GripperLimits
) -> None:
    table = replace(limits, workspace_lower=np.array([0.0, -0.5, 0.09]))
    published = Published(arm, table, gripper_limits)
    down = swing([0, 0.2, 0, 0, 0, 0, 0], 2.0)
    with pytest.raises(MotionRefusedError, match="the workspace is") as refusal:
        published.gate.send_arm(down, ArmState(START_Q), NOW_S)
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
    assert (arm.tcp_positions(dip.q) > table.workspace_lower).all()
    with pytest.raises(MotionRefusedError) as refusal:
        published.gate.send_arm(dip, ArmState(START_Q), NOW_S)
    assert refusal.value.cause is Cause.OUTSIDE_WORKSPACE


@pytest.mark.parametrize("part", ["linear", "angular"])
@pytest.mark.parametrize(("order", "name"), [*enumerate(("velocity", "acceleration", "jerk"))])
def test_tcp_that_is_too_fast_is_refused(
    arm: ArmModel,
    limits: Limits,
    gripper_limits: GripperLimits,
    part: str,
    order: int,
    name: str,
) -> None:
    bounds = getattr(limits.rates, part).copy()
    bounds[order] = 0.05
    narrow: Any = {part: bounds}
    slow = replace(limits, rates=replace(limits.rates, **narrow))
    published = Published(arm, slow, gripper_limits)
    with pytest.raises(MotionRefusedError, match=f"the {name} of the TCP") as refusal:
        published.gate.send_arm(swing([0.3, 0, 0, 0, 0, 0, 0], 1.0), ArmState(START_Q), NOW_S)
    assert refusal.value.cause is Cause.LIMIT_EXCEEDED
    assert published.arm == []


# What it goes on from.


def remainder(trajectory: ArmTrajectory, from_s: float, jump: tuple[float, float, float]) -> Any:
    """The rest of a trajectory, with jumps in position, velocity and acceleration at its start."""
    q, dq, ddq = (s + by for s, by in zip(state_at(trajectory, from_s), jump, strict=True))
    left = trajectory.times_s > from_s + 1e-3
    return ArmTrajectory(
        trajectory.times_s[left] - from_s,
        trajectory.q[left],
        trajectory.dq[left],
        trajectory.ddq[left],
        q,
        dq,
        ddq,
    )


@given(part=st.floats(0.0, 0.97))
def test_what_goes_on_with_what_plays_is_published(
    arm: ArmModel, limits: Limits, gripper_limits: GripperLimits, part: float
) -> None:
    published, first = Published(arm, limits, gripper_limits), swing()
    published.gate.send_arm(first, ArmState(START_Q), NOW_S)
    now = state_at(first, part)[0]
    published.gate.send_arm(remainder(first, part, (0, 0, 0)), ArmState(now), NOW_S + part)
    assert len(published.arm) == 2
    assert published.sent_s == [NOW_S, NOW_S + part]


@pytest.mark.parametrize("part", [0.0, 0.2, 0.5, 0.9])
@pytest.mark.parametrize(
    ("jump", "name"),
    [
        ((1e-3, 0, 0), "position"),
        ((-1e-3, 0, 0), "position"),
        ((0, 0.01, 0), "velocity"),
        ((0, 0, 0.5), "acceleration"),
    ],
)
def test_what_does_not_go_on_with_what_plays_is_refused(
    published: Published, part: float, jump: tuple[float, float, float], name: str
) -> None:
    first = swing()
    published.gate.send_arm(first, ArmState(START_Q), NOW_S)
    now = state_at(first, part)[0]
    with pytest.raises(MotionRefusedError, match=f"the {name} of joint . would jump") as refusal:
        published.gate.send_arm(remainder(first, part, jump), ArmState(now), NOW_S + part)
    assert refusal.value.cause is Cause.LIMIT_EXCEEDED
    assert len(published.arm) == 1


@pytest.mark.parametrize("name", ["start_dq", "start_ddq"])
@pytest.mark.parametrize("played_before", [False, True])
def test_an_arm_at_rest_does_not_begin_in_motion(
    published: Published, name: str, played_before: bool
) -> None:
    now_s = NOW_S
    if played_before:
        published.gate.send_arm(swing(0.0), ArmState(START_Q), now_s)
        now_s += 1.001
    moving: Any = {name: np.full(7, 0.5)}
    with pytest.raises(MotionRefusedError, match="would jump"):
        published.gate.send_arm(replace(swing(), **moving), ArmState(START_Q), now_s)
    published.gate.send_arm(swing(), ArmState(START_Q), now_s)


def resting(q: Vector) -> ArmTrajectory:
    spline = hold(q, 0.0125)
    assert spline is not None
    return Plan(spline).trajectory()


@given(offset=vectors(-0.05, 0.05, 7), short=st.floats(0.01, 0.95))
def test_an_unknown_setpoint_is_given_time_to_get_to_the_start(
    arm: ArmModel, limits: Limits, gripper_limits: GripperLimits, offset: Vector, short: float
) -> None:
    """It began at the measured posture, wherever the controller held the arm."""
    gate = Published(arm, limits, gripper_limits).gate
    gate.setpoint = Setpoint()
    here = START_Q + np.array([1, 1, 1, 1, 1, 0.5, 1]) * offset
    for ahead_s, cause in (
        (0.0, Cause.SETPOINT_UNKNOWN),
        (short * gate.gentle_s(here), Cause.SETPOINT_UNKNOWN),
        (gate.gentle_s(here), None),
    ):
        refusal = refusal_of(
            lambda ahead_s=ahead_s: gate.check_arm(  # type: ignore[misc]
                resting(here), ArmState(here), NOW_S + ahead_s, ahead_s=ahead_s
            )
        )
        assert (None if refusal is None else refusal.cause) is cause


@given(sign=vectors(-1.0, 1.0, 7))
def test_a_gentle_way_keeps_the_rate_limits(
    arm: ArmModel, limits: Limits, gripper_limits: GripperLimits, sign: Vector
) -> None:
    """From any set-point that is possible, as the controller's own quintic goes."""
    gate = Published(arm, limits, gripper_limits).gate
    gate.setpoint = replace(gate.setpoint, known=False)
    here = START_Q + 0.3 * sign * np.array([1, 1, 1, 1, 1, 0.2, 1])
    still = np.zeros((2, 7))
    way_s = gate.gentle_s(here)
    for from_q in (START_Q, here + np.sign(sign) * limits.start_rad):
        way = QuinticPieces(Points(np.array([0.0, way_s]), np.stack((from_q, here)), still, still))
        rates = way.at(*way.even(50, 1e-3))[1:]
        for values, bound in zip(rates, limits.rates.joints, strict=True):
            assert (np.abs(values) <= bound).all()


def test_a_way_to_the_start_is_judged_from_where_the_setpoint_is(published: Published) -> None:
    """A stop that leaves the way to the controller begins in motion."""
    first = swing()
    published.gate.send_arm(first, ArmState(START_Q), NOW_S)
    q, dq, _ = state_at(first, 0.5)
    sudden, gentle = 0.03, 0.6

    def check(ahead_s: float) -> None:
        start_s = NOW_S + 0.5 + ahead_s
        published.gate.check_arm(resting(q), ArmState(q, dq), start_s, ahead_s=ahead_s)

    with pytest.raises(MotionRefusedError, match="on the way to the start"):
        check(sudden)
    check(gentle)


class Wall:
    """Obstacles that are too close at a sample."""

    def __init__(self, found: tuple[int, object] | None) -> None:
        self.found = found

    def first_too_close(self, q: Vector) -> tuple[int, object] | None:
        assert q.shape[1] == 7
        return self.found


@pytest.mark.parametrize("found", [None, (0, "hand and table, 4 mm"), (17, "hand and table, 4 mm")])
def test_what_comes_too_near_to_an_obstacle_is_refused(
    arm: ArmModel,
    limits: Limits,
    gripper_limits: GripperLimits,
    found: tuple[int, object] | None,
) -> None:
    sent: list[ArmTrajectory] = []
    gate = Gate(
        arm, limits, gripper_limits, lambda t, _: sent.append(t), lambda *_: None, Wall(found)
    )
    gate.setpoint = Setpoint.resting(START_Q)
    refusal = refusal_of(lambda: gate.send_arm(swing(), ArmState(START_Q), NOW_S))
    if found is None:
        assert refusal is None
        assert len(sent) == 1
    else:
        assert refusal is not None
        assert refusal.cause is Cause.COLLISION
        assert "hand and table, 4 mm" in str(refusal)
        assert sent == []


# The fingers.


def fingers(times: list[float], positions: list[float], start: float = 0.04) -> GripperTrajectory:
    return GripperTrajectory(np.array(times), np.array(positions), start)


def test_good_gripper_motion_is_published(published: Published) -> None:
    trajectory = fingers([0.4, 0.5], [0.0, 0.0])
    published.gate.send_gripper(trajectory, NOW_S)
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
        published.gate.send_gripper(trajectory, NOW_S)
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
    gate = Published(arm, limits, gripper_limits).gate
    refusal = refusal_of(lambda: gate.check_arm(with_value(name, value), ArmState(START_Q), NOW_S))
    assert refusal is None or refusal.cause is not Cause.NONE
