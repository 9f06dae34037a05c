# SPDX-License-Identifier: Apache-2.0
"""Independent checker of arm trajectories. It shares no code with the gate or the planner.

The motion that a controller plays is rebuilt from the points with SciPy's Bernstein polynomials.
TCP poses come from pinocchio's kinematics of the whole robot, TCP rates from finite differences.
"""

from typing import Any

import numpy as np
import pinocchio as pin
from scipy.interpolate import BPoly

from verification.judge.bounds import Start, TrajectoryBounds, Vector
from verification.judge.played import TcpPath, dense, played

_TCP_STEP_S = 1e-3  # step of the finite differences
# Relative tolerances on rates, which may peak between the gate's samples.
_JOINT_ROUNDING = 2e-3
_TCP_ROUNDING = 1e-2
_WORKSPACE_ROUNDING_M = 1e-3
_POSITION_ROUNDING_RAD = 1e-6
_REST_RAD_S, _REST_RAD_S2 = 1e-6, 1e-3
# Tolerances of a start: rebuilding a spline from its points rounds it by so much.
_START_RAD, _START_RAD_S, _START_RAD_S2 = 1e-5, 1e-3, 0.05


class Checker:
    """Checks trajectories of one arm; TCP poses are those of the frames `tcps` in frame `base`.

    Every TCP has to keep the TCP's limits: a hand has several.
    """

    def __init__(self, urdf: str, joints: tuple[str, ...], base: str, *tcps: str) -> None:
        self._model = pin.buildModelFromXML(urdf)
        self._data = self._model.createData()
        self._tcps = [self._model.getFrameId(tcp) for tcp in tcps]
        pin.framesForwardKinematics(self._model, self._data, pin.neutral(self._model))
        self._world_to_base = self._data.oMf[self._model.getFrameId(base)].inverse()
        self._columns = [self._model.joints[self._model.getJointId(name)].idx_q for name in joints]

    def violations(
        self, trajectory: Any, bounds: TrajectoryBounds, start: Start | None = None
    ) -> list[str]:
        """Return every violation by a trajectory, as text; empty: it is good.

        Args:
            trajectory: with `times_s`, `q`, `dq`, `ddq` and `start_q`, `start_dq`, `start_ddq`.
            bounds: limits to check.
            start: state that it must continue from; None: not checked.
        """
        found = _malformed(trajectory, len(bounds.lower))
        if found:
            return found
        found = _duration_and_end(trajectory, bounds) + _continuity(trajectory, start, bounds)
        curve = played(trajectory)
        tcps = self._tcp_paths(curve)
        for name, share in _shares(curve, tcps, bounds).items():
            rounding = _TCP_ROUNDING if name.startswith("TCP") else _JOINT_ROUNDING
            if not share <= 1.0 + rounding:
                found.append(f"{name} is at {share:.4f} of its limit")
        return found + _outside(curve, tcps, bounds)

    def shares(self, trajectory: Any, bounds: TrajectoryBounds) -> dict[str, float]:
        """Return the largest share of each rate limit that a trajectory uses; 1: all of it."""
        curve = played(trajectory)
        return _shares(curve, self._tcp_paths(curve), bounds)

    def tcp_poses(self, q: Vector, number: int = 0) -> tuple[Vector, Vector]:
        """Return positions (N, 3) [m] and rotations (N, 3, 3) of a TCP, base frame, at `q` (N, n).

        `number`: of the TCP.
        """
        positions, rotations = np.empty((len(q), 3)), np.empty((len(q), 3, 3))
        whole = pin.neutral(self._model)
        for row, posture in enumerate(q):
            whole[self._columns] = posture
            pin.forwardKinematics(self._model, self._data, whole)
            pose = pin.updateFramePlacement(self._model, self._data, self._tcps[number])
            positions[row], rotations[row] = pose.translation, pose.rotation
        R, offset = self._world_to_base.rotation, self._world_to_base.translation
        return positions @ R.T + offset, R @ rotations

    def _tcp_paths(self, curve: BPoly) -> list[TcpPath]:
        count = max(4, int(np.ceil(curve.x[-1] / _TCP_STEP_S)) + 1)
        times = np.linspace(0.0, curve.x[-1], count)
        q = curve(times)
        return [
            TcpPath(float(times[1]), *self.tcp_poses(q, number))
            for number in range(len(self._tcps))
        ]


def _shares(curve: BPoly, tcps: list[TcpPath], bounds: TrajectoryBounds) -> dict[str, float]:
    times = dense(curve.x)
    joint_bounds = (bounds.velocity, bounds.acceleration, bounds.jerk)
    names = ("velocity", "acceleration", "jerk")
    shares = {
        f"joint {name}": float((np.abs(curve(times, nu=order)) / bound).max())
        for order, (name, bound) in enumerate(zip(names, joint_bounds, strict=True), start=1)
    }
    for which, largest, most in (
        ("linear", np.max([tcp.linear() for tcp in tcps], axis=0), bounds.tcp_linear),
        ("angular", np.max([tcp.angular() for tcp in tcps], axis=0), bounds.tcp_angular),
    ):
        for name, value, bound in zip(names, largest, most, strict=True):
            shares[f"TCP {which} {name}"] = float(value / bound)
    return shares


def _outside(curve: BPoly, tcps: list[TcpPath], bounds: TrajectoryBounds) -> list[str]:
    q = curve(dense(curve.x))
    found = []
    past = np.maximum(bounds.lower - q, q - bounds.upper).max()
    if past > _POSITION_ROUNDING_RAD:
        found.append(f"a joint is {past:.6f} rad or m past its position limit")
    positions = np.concatenate([tcp.positions for tcp in tcps])
    below, above = bounds.workspace_lower - positions, positions - bounds.workspace_upper
    outside = np.maximum(below, above).max()
    if outside > _WORKSPACE_ROUNDING_M:
        found.append(f"the TCP is {outside * 1e3:.2f} mm outside the workspace")
    return found


def gripper_violations(trajectory: Any, limits: Any) -> list[str]:
    """Return every violation by a finger trajectory (linear between its points), as text."""
    times, positions = np.asarray(trajectory.times_s), np.asarray(trajectory.positions_m)
    if times.shape != positions.shape or times.ndim != 1 or not len(times):
        return [f"the fingers' times have shape {times.shape} and positions {positions.shape}"]
    knots = np.append(trajectory.start_m, positions)
    steps_s = np.diff(times, prepend=0.0)
    if not (np.isfinite(knots).all() and np.isfinite(times).all() and (steps_s > 0).all()):
        return ["the fingers' trajectory is not finite or its times do not increase"]
    found = []
    if positions.min() < limits.lower_m - 1e-9 or positions.max() > limits.upper_m + 1e-9:
        found.append(
            f"the fingers go from {positions.min()} to {positions.max()} m; valid is "
            f"{limits.lower_m} to {limits.upper_m} m"
        )
    speed_m_s = np.abs(np.diff(knots) / steps_s).max()
    if speed_m_s > limits.speed_m_s * (1 + _JOINT_ROUNDING):
        found.append(f"the fingers move at {speed_m_s:.3g} m/s; valid is {limits.speed_m_s:g} m/s")
    if times[-1] > limits.duration_s:
        found.append(
            f"the fingers' trajectory takes {times[-1]} s; valid is up to {limits.duration_s} s"
        )
    return found


def _malformed(trajectory: Any, n: int) -> list[str]:
    times = np.asarray(trajectory.times_s)
    if times.ndim != 1 or not len(times):
        return [f"its times have shape {times.shape}; valid is (N,), N above 0"]
    for name, shape in (
        *((name, (len(times), n)) for name in ("q", "dq", "ddq")),
        *((name, (n,)) for name in ("start_q", "start_dq", "start_ddq")),
    ):
        values = np.asarray(getattr(trajectory, name))
        if values.shape != shape:
            return [f"{name} has shape {values.shape} instead of {shape}"]
        if values.dtype.kind != "f" or not np.isfinite(values).all():
            return [f"{name} has values that are not finite floats"]
    if not np.isfinite(times).all() or (np.diff(times, prepend=0.0) <= 0).any():
        return ["its times do not strictly increase from above zero"]
    return []


def _duration_and_end(trajectory: Any, bounds: TrajectoryBounds) -> list[str]:
    found = []
    if trajectory.times_s[-1] > bounds.duration_s:
        found.append(
            f"it takes {trajectory.times_s[-1]:.3f} s; valid is up to {bounds.duration_s} s"
        )
    if np.abs(trajectory.dq[-1]).max() > _REST_RAD_S:
        found.append("it does not end with zero velocity")
    if np.abs(trajectory.ddq[-1]).max() > _REST_RAD_S2:
        found.append("it does not end with zero acceleration")
    return found


def _continuity(trajectory: Any, start: Start | None, bounds: TrajectoryBounds) -> list[str]:
    if start is None:
        return []
    near = (_START_RAD, _START_RAD_S, _START_RAD_S2)
    if not start.exact:
        near = (bounds.start_rad * (1 + 1e-9), *near[1:])
    found = []
    for name, tolerance in zip(("q", "dq", "ddq"), near, strict=True):
        jump = float(np.abs(getattr(trajectory, f"start_{name}") - getattr(start, name)).max())
        if not jump <= tolerance:
            found.append(f"{name} jumps by {jump:.6f} at the hand-over")
    return found
