# SPDX-License-Identifier: Apache-2.0
"""An independent judge of trajectories: what a controller would play, sampled densely."""

from functools import cache

import numpy as np
import pinocchio as pin
from scipy.interpolate import BPoly

from vera_ros.motion.limits import Limits
from vera_ros.motion.trajectory import ArmTrajectory
from vera_ros.resources import share_path
from verification.judge.played import played

from .chunks import Vector

_SAMPLES_PER_PIECE = 32
_TCP_SAMPLES_PER_PIECE = 2
_ROUNDING = 5e-3  # the gate samples a piece nine times, and jerk may peak in between
_STEP_S = 1e-5  # of the differences that give the TCP's jerk
_LINEAR, _ANGULAR = slice(0, 3), slice(3, 6)


def check(trajectory: ArmTrajectory, limits: Limits) -> None:
    """Fail unless the trajectory keeps every limit and ends at rest."""
    curve = played(trajectory)
    times = np.concatenate(([0.0], trajectory.times_s))
    assert (np.diff(times) > 0).all()
    dense = np.append(_within(times, _SAMPLES_PER_PIECE), times[-1])
    q, *rates = (curve(dense, nu=order) for order in range(4))
    assert np.isfinite(rates[2]).all()
    assert times[-1] <= limits.duration_s
    assert (q >= limits.lower - 1e-6).all()
    assert (q <= limits.upper + 1e-6).all()
    for values, bound in zip(rates, limits.rates.joints, strict=True):
        assert (np.abs(values) <= bound * (1 + _ROUNDING)).all(), np.abs(values).max(axis=0) / bound
    np.testing.assert_allclose(trajectory.dq[-1], 0.0, atol=1e-6)
    np.testing.assert_allclose(trajectory.ddq[-1], 0.0, atol=1e-3)
    _check_tcp(curve, times, limits)


def _within(times: Vector, count: int) -> Vector:
    """So many times within each piece."""
    shares = (np.arange(count) + 0.5) / count
    return np.asarray((times[:-1, None] + np.diff(times)[:, None] * shares).ravel())


def _check_tcp(curve: BPoly, times: Vector, limits: Limits) -> None:
    for time in _within(times, _TCP_SAMPLES_PER_PIECE):
        position, twist, rate = tcp_state(curve, time)
        # Between the samples of the planner and the gate, the TCP moves on by a little.
        assert (position >= limits.workspace_lower - 1e-4).all(), position
        assert (position <= limits.workspace_upper + 1e-4).all(), position
        earlier, later = (tcp_state(curve, time + step)[2] for step in (-_STEP_S, _STEP_S))
        jerk = (later - earlier) / (2 * _STEP_S)
        for of, bounds in ((_LINEAR, limits.rates.linear), (_ANGULAR, limits.rates.angular)):
            for values, bound in zip((twist, rate, jerk), bounds, strict=True):
                assert np.linalg.norm(values[of]) <= bound * (1 + _ROUNDING), (values, bound)


@cache
def _whole_robot() -> tuple[pin.Model, pin.Data, int, int]:
    model = pin.buildModelFromUrdf(str(share_path("description", "urdf", "panda.urdf")))
    return (
        model,
        model.createData(),
        model.getFrameId("panda_grip_site"),
        model.getFrameId("panda_link0"),
    )


def tcp_state(curve: BPoly, time_s: float) -> tuple[Vector, Vector, Vector]:
    """Position, velocity and acceleration of the TCP, on the whole robot's model, fingers and all.

    The last two have Shape (6,), linear part first.
    """
    model, data, tcp, base = _whole_robot()
    fingers = np.zeros(model.nq - 7)
    motion = [np.concatenate((curve(time_s, nu=order), fingers)) for order in range(3)]
    pin.forwardKinematics(model, data, *motion)
    pin.updateFramePlacements(model, data)
    to_base = data.oMf[base].inverse()
    axes = pin.ReferenceFrame.LOCAL_WORLD_ALIGNED
    twist = pin.getFrameVelocity(model, data, tcp, axes)
    rate = pin.getFrameClassicalAcceleration(model, data, tcp, axes)
    return (
        np.asarray((to_base * data.oMf[tcp]).translation),
        *(  # type: ignore[return-value]
            np.concatenate((to_base.rotation @ of.linear, to_base.rotation @ of.angular))
            for of in (twist, rate)
        ),
    )
