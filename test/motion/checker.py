# SPDX-License-Identifier: Apache-2.0
"""An independent judge of trajectories: what a controller would play, sampled densely."""

import numpy as np
import pinocchio as pin
from scipy.interpolate import BPoly

from vera_ros.motion.gate import ArmTrajectory
from vera_ros.motion.limits import Limits
from vera_ros.resources import share_path

_SAMPLES_PER_PIECE = 32
_ROUNDING = 2e-3


def played(trajectory: ArmTrajectory) -> BPoly:
    """The quintic pieces through position, velocity and acceleration at every point."""
    times = np.concatenate(([0.0], trajectory.times_s))
    states = np.stack(
        [
            np.vstack((getattr(trajectory, f"start_{name}"), getattr(trajectory, name)))
            for name in ("q", "dq", "ddq")
        ],
        axis=1,
    )
    return BPoly.from_derivatives(times, states)


def check(trajectory: ArmTrajectory, limits: Limits) -> None:
    """Fail unless the trajectory keeps every limit and ends at rest."""
    curve = played(trajectory)
    times = np.concatenate(([0.0], trajectory.times_s))
    pieces = np.linspace(times[:-1], times[1:], _SAMPLES_PER_PIECE, endpoint=False).T.ravel()
    dense = np.append(pieces, times[-1])
    q, dq, ddq, jerk = (curve(dense, nu=order) for order in range(4))
    assert np.isfinite(jerk).all()
    assert times[-1] <= limits.duration_s
    assert (q >= limits.lower - 1e-6).all()
    assert (q <= limits.upper + 1e-6).all()
    for values, bound in (
        (dq, limits.velocity),
        (ddq, limits.acceleration),
        (jerk, limits.jerk),
    ):
        assert (np.abs(values) <= bound * (1 + _ROUNDING)).all(), np.abs(values).max(axis=0) / bound
    np.testing.assert_allclose(trajectory.dq[-1], 0.0, atol=1e-6)
    np.testing.assert_allclose(trajectory.ddq[-1], 0.0, atol=1e-3)
    _check_tcp(q[::8], dq[::8], limits)


def _check_tcp(q: np.ndarray, dq: np.ndarray, limits: Limits) -> None:
    """Workspace and TCP rates on the whole robot's model, fingers and all."""
    model = pin.buildModelFromUrdf(str(share_path("description", "urdf", "panda.urdf")))
    data = model.createData()
    tcp, base = model.getFrameId("panda_grip_site"), model.getFrameId("panda_link0")
    fingers = np.zeros(model.nq - q.shape[1])
    for now, rate in zip(q, dq, strict=True):
        pin.forwardKinematics(
            model, data, np.concatenate((now, fingers)), np.concatenate((rate, fingers))
        )
        pin.updateFramePlacements(model, data)
        position = (data.oMf[base].inverse() * data.oMf[tcp]).translation
        twist = pin.getFrameVelocity(model, data, tcp, pin.ReferenceFrame.LOCAL)
        # Between the samples of the planner and the gate, the TCP moves on by a little.
        assert (position >= limits.workspace_lower - 0.005).all(), position
        assert (position <= limits.workspace_upper + 0.005).all(), position
        assert np.linalg.norm(twist.linear) <= limits.tcp_speed_m_s * 1.02
        assert np.linalg.norm(twist.angular) <= limits.tcp_turn_rad_s * 1.02
