# SPDX-License-Identifier: Apache-2.0
"""Direct response, for metric embodiments: the TCP moves by each delta."""

from dataclasses import dataclass

import numpy as np
import pinocchio as pin
from scipy.interpolate import BSpline, make_interp_spline

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.response.model import LARGEST_POSE_DELTA, TcpResponse

_SAMPLE_S = 0.0125  # spacing of the samples at most
_LARGEST_TURN_RAD = 3.0  # of a chunk, since its rotations are interpolated as axis-angle vectors


@dataclass(frozen=True)
class DirectState:
    """Pose, motion and last target of the TCP.

    Attributes:
        pose: of the TCP, base frame.
        motion: rates of the pose, linear part first. Shape (6,), [m/s, rad/s].
        acceleration: Shape (6,), [m/s^2, rad/s^2].
        target: the last target, from which the next delta leads on.
    """

    pose: pin.SE3
    motion: Vector
    acceleration: Vector
    target: pin.SE3


class DirectResponse:
    """Moves a target by each delta, composed on the previous target, so that nothing drifts.

    The TCP passes each target when its action is complete, on one quintic spline, and rests at the
    last one. Deltas are in the base frame; rotation is premultiplied.

    Args:
        largest_gap_m: a target of the previous chunk that is farther than this from the resting
            TCP is forgotten: something else has moved the arm, or kept it from the target.
        largest_gap_rad: the same for the rotation.
        about_base: a delta is the transform T1 T0^-1, whose rotation turns the TCP about the base's
            origin, and its translation includes what that moves; False: about the TCP itself.
    """

    def __init__(
        self, largest_gap_m: float, largest_gap_rad: float, *, about_base: bool = False
    ) -> None:
        self._largest_gap_m = largest_gap_m
        self._largest_gap_rad = largest_gap_rad
        self._about_base = about_base

    @property
    def largest(self) -> Vector:
        """See ResponseModel."""
        return LARGEST_POSE_DELTA

    def at_rest(self, q: Vector, pose: pin.SE3, before: DirectState | None) -> DirectState:
        """Return the state of an arm that stands still (see ResponseModel)."""
        still = np.zeros(6)
        target = pose
        if before is not None:
            gap_m = np.linalg.norm(before.target.translation - pose.translation)
            gap_rad = np.linalg.norm(pin.log3(before.target.rotation @ pose.rotation.T))
            if gap_m <= self._largest_gap_m and gap_rad <= self._largest_gap_rad:
                target = before.target
        return DirectState(pose, still, still, target)

    def respond(self, state: DirectState, deltas: Vector, control_dt_s: float) -> TcpResponse:
        """Pass through the targets (see ResponseModel).

        Raises:
            MotionRefusedError: the chunk turns the TCP by 3 rad or more.
        """
        start = state.pose
        offsets = np.zeros((len(deltas) + 1, 6))  # of the targets from the start
        targets = [state.target]
        for row, delta in zip(offsets[1:], deltas, strict=True):
            target = self._moved(targets[-1], delta)
            targets.append(target)
            row[:3] = target.translation - start.translation
            row[3:] = pin.log3(target.rotation @ start.rotation.T)
        turns = np.linalg.norm(offsets[:, 3:], axis=1)
        if not turns.max() < _LARGEST_TURN_RAD:
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"the chunk turns the TCP by {turns.max():.2f} rad; valid is less than "
                f"{_LARGEST_TURN_RAD} rad in one chunk; nothing is published",
            )
        times = np.arange(len(offsets)) * control_dt_s
        rest = np.zeros(6)
        # At the start the axis-angle vector is zero, so its rates are those of the rotation itself.
        spline = make_interp_spline(
            times,
            offsets,
            k=5,
            bc_type=([(1, state.motion), (2, state.acceleration)], [(1, rest), (2, rest)]),
        )
        samples = int(np.ceil(control_dt_s / _SAMPLE_S - 1e-9))
        sample_times = np.arange(len(deltas) * samples + 1.0) * (control_dt_s / samples)
        path = spline(sample_times)
        return _DirectPath(
            times_s=sample_times,
            position=start.translation + path[:, :3],
            rotation=np.array([pin.exp3(turn) @ start.rotation for turn in path[:, 3:]]),
            q=None,
            step_ends=np.arange(1, len(deltas) + 1) * samples,
            spline=spline,
            start=start,
            targets=tuple(targets),
            control_dt_s=control_dt_s,
        )

    def _moved(self, target: pin.SE3, delta: Vector) -> pin.SE3:
        turn = pin.exp3(delta[3:])
        carried = turn @ target.translation if self._about_base else target.translation
        return pin.SE3(turn @ target.rotation, carried + delta[:3])


@dataclass(frozen=True, kw_only=True)
class _DirectPath(TcpResponse):
    spline: BSpline
    start: pin.SE3
    targets: tuple[pin.SE3, ...]
    control_dt_s: float

    def state_at(self, time_s: float) -> DirectState:
        """Return the state at a time of the path; its target is the nearest in time."""
        time_s = min(max(time_s, 0.0), float(self.times_s[-1]))
        path = [self.spline(time_s, order) for order in range(3)]
        turn, rate, bend = (part[3:] for part in path)
        # From the axis-angle vector's rates to those of the rotation (left Jacobian of SO(3)).
        J = pin.Jexp3(-turn)
        step = 1e-6
        dJ = (pin.Jexp3(-(turn + step * rate)) - pin.Jexp3(-(turn - step * rate))) / (2 * step)
        number = min(round(time_s / self.control_dt_s), len(self.targets) - 1)
        return DirectState(
            pose=pin.SE3(
                pin.exp3(turn) @ self.start.rotation, self.start.translation + path[0][:3]
            ),
            motion=np.concatenate((path[1][:3], J @ rate)),
            acceleration=np.concatenate((path[2][:3], J @ bend + dJ @ rate)),
            target=self.targets[number],
        )
