# SPDX-License-Identifier: Apache-2.0
"""The checker finds each kind of violation, and none in a good motion."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from vera_ros.motion.kinematics.arm_model import ArmModel
from verification.judge.bounds import Start, TrajectoryBounds
from verification.judge.checker import Checker, gripper_violations
from verification.judge.played import state_at
from verification.rig import (
    ARM_JOINTS,
    BASE_FRAME,
    START_Q,
    TCP_FRAME,
    URDF,
    Vector,
    make_limits,
)

STILL = np.zeros(7)


@dataclass(frozen=True)
class Trajectory:
    times_s: Vector
    q: Vector
    dq: Vector
    ddq: Vector
    start_q: Vector
    start_dq: Vector
    start_ddq: Vector


def swing(
    joint: int = 0, far: float = 0.3, duration_s: float = 1.5, points: int = 80
) -> Trajectory:
    """A minimum-jerk motion of one joint from the start posture."""
    s = np.linspace(0.0, 1.0, points + 1)[1:, None]
    axis = far * np.eye(7)[joint]
    return Trajectory(
        times_s=s[:, 0] * duration_s,
        q=START_Q + axis * s**3 * (10 - 15 * s + 6 * s**2),
        dq=axis * 30 * s**2 * (1 - s) ** 2 / duration_s,
        ddq=axis * 60 * s * (1 - s) * (1 - 2 * s) / duration_s**2,
        start_q=START_Q,
        start_dq=STILL,
        start_ddq=STILL,
    )


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(URDF.read_text(), ARM_JOINTS, BASE_FRAME, TCP_FRAME)


@pytest.fixture(scope="module")
def bounds() -> TrajectoryBounds:
    limits = make_limits(ArmModel(URDF.read_text(), ARM_JOINTS, TCP_FRAME))
    return replace(
        TrajectoryBounds.of(limits),
        tcp_linear=(1.7, 13.0, 6500.0),
        tcp_angular=(2.5, 25.0, 12500.0),
    )


@pytest.mark.parametrize("joint", range(7))
def test_a_good_motion_is_good(checker: Checker, bounds: TrajectoryBounds, joint: int) -> None:
    start = Start(START_Q, STILL, STILL)
    assert checker.violations(swing(joint, 0.1), bounds, start) == []


@pytest.mark.parametrize("order", range(3))
@pytest.mark.parametrize("which", ["linear", "angular"])
def test_tcp_rates_are_those_of_a_turn_about_the_base(
    checker: Checker, bounds: TrajectoryBounds, which: str, order: int
) -> None:
    """About joint 1 alone the TCP turns as the joint does, and goes at its distance from it."""
    trajectory, one = swing(far=0.2), (1.0, 1.0, 1.0)
    shares = checker.shares(trajectory, replace(bounds, tcp_linear=one, tcp_angular=one))
    name = ("velocity", "acceleration", "jerk")[order]
    joint = shares[f"joint {name}"] * (bounds.velocity, bounds.acceleration, bounds.jerk)[order][0]
    radius = float(np.linalg.norm(checker.tcp_poses(START_Q[None])[0][0, :2]))
    expected = joint if which == "angular" else joint * radius
    tolerance = 0.02 if which == "angular" or order == 0 else 0.25  # and some of the turning
    assert shares[f"TCP {which} {name}"] == pytest.approx(expected, rel=tolerance)


def with_value(name: str, value: float) -> Trajectory:
    good = swing()
    values = getattr(good, name).copy()
    values[len(values) // 2] = value
    return replace(good, **{name: values})


BAD: list[tuple[str, Callable[[], Any]]] = [
    ("times", lambda: replace(swing(), times_s=swing().times_s[::-1])),
    ("times", lambda: replace(swing(), times_s=swing().times_s - swing().times_s[0])),
    ("shape", lambda: replace(swing(), q=swing().q[:-1])),
    ("shape", lambda: replace(swing(), start_dq=STILL[:6])),
    *(
        ("not finite", lambda name=name, value=value: with_value(name, value))
        for name in ("q", "dq", "ddq", "start_q", "start_dq", "start_ddq")
        for value in (np.nan, np.inf)
    ),
    ("increase", lambda: with_value("times_s", np.nan)),
    ("takes", lambda: swing(0, 0.1, 31.0)),
    ("zero velocity", lambda: replace(swing(), dq=swing().dq + 1e-3)),
    ("zero acceleration", lambda: replace(swing(), ddq=swing().ddq + 1e-2)),
    ("joint velocity", lambda: swing(6, 2.0, 1.0)),
    ("joint acceleration", lambda: swing(1, 0.2, 0.35)),
    ("joint jerk", lambda: with_value("q", START_Q[0] + 1e-3)),
    ("position limit", lambda: swing(3, -0.6, 3.0)),
    ("outside the workspace", lambda: swing(0, 1.4, 4.0)),
    ("TCP linear velocity", lambda: replace(swing(0, 2.5, 0.5), q=swing(0, 2.5, 0.5).q)),
    ("TCP angular velocity", lambda: swing(6, 1.5, 1.0)),
    ("TCP linear acceleration", lambda: swing(0, 0.5, 0.3)),
    ("TCP angular acceleration", lambda: swing(6, 0.9, 0.4)),
    ("q jumps", lambda: replace(swing(), start_q=START_Q + 1e-3)),
    ("dq jumps", lambda: replace(swing(), start_dq=STILL + 0.01)),
    ("ddq jumps", lambda: replace(swing(), start_ddq=STILL + 0.1)),
]


@pytest.mark.parametrize(("words", "make"), BAD, ids=[f"{n}-{w}" for n, (w, _) in enumerate(BAD)])
def test_a_bad_motion_is_blamed_for_it(
    checker: Checker, bounds: TrajectoryBounds, words: str, make: Callable[[], Any]
) -> None:
    found = checker.violations(make(), bounds, Start(START_Q, STILL, STILL))
    assert any(words in text for text in found), found


def test_a_measured_start_may_be_a_little_off(checker: Checker, bounds: TrajectoryBounds) -> None:
    near, far = (Start(START_Q + off, STILL, STILL, exact=False) for off in (0.049, 0.051))
    assert checker.violations(swing(), bounds, near) == []
    assert checker.violations(swing(), bounds, far) != []


def test_a_dip_between_two_points_is_seen(checker: Checker, bounds: TrajectoryBounds) -> None:
    speed = 0.35 * np.eye(7)[1]
    dip = Trajectory(
        np.array([1.5, 3.0, 3.5]),
        np.tile(START_Q, (3, 1)),
        np.stack((speed, STILL, STILL)),
        np.zeros((3, 7)),
        START_Q,
        STILL,
        STILL,
    )
    table = replace(bounds, workspace_lower=np.array([0.0, -0.5, 0.09]))
    assert any("outside" in text for text in checker.violations(dip, table))


def test_what_has_ended_rests() -> None:
    q, dq, ddq = state_at(swing(), 99.0)
    np.testing.assert_array_equal(q, swing().q[-1])
    assert not dq.any()
    assert not ddq.any()


@dataclass(frozen=True)
class Fingers:
    times_s: Vector
    positions_m: Vector
    start_m: float = 0.04
    lower_m: float = 0.0
    upper_m: float = 0.04
    speed_m_s: float = 0.1
    duration_s: float = 5.0


@pytest.mark.parametrize(
    ("times", "positions", "words"),
    [
        ([0.4], [0.0], ""),
        ([0.3], [0.0], "the fingers move at"),
        ([1.0], [-0.001], "go from"),
        ([1.0, 1.0], [0.03, 0.02], "increase"),
        ([np.nan], [0.0], "increase"),
        ([6.0], [0.0], "takes"),
        ([1.0, 2.0], [0.0], "shape"),
        ([], [], "shape"),
    ],
)
def test_fingers(times: list[float], positions: list[float], words: str) -> None:
    fingers = Fingers(np.array(times), np.array(positions))
    found = gripper_violations(fingers, fingers)
    assert any(words in text for text in found) if words else found == []
