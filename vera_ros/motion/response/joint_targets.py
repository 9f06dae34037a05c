# SPDX-License-Identifier: Apache-2.0
"""The response of joints: each action moves their targets, which they reach within the action."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pinocchio as pin
from scipy.interpolate import BPoly, PchipInterpolator

from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.response.model import Response

_SAMPLE_S = 0.0125  # spacing of the samples at most
_INSET = 2e-3  # targets stay this far within the ranges [rad or m], so that the checks agree


@dataclass(frozen=True)
class JointActions:
    """What the columns of joint actions mean, one column per joint.

    Attributes:
        lower: lowest joint positions. Shape (n,), [rad or m].
        upper: highest joint positions. Shape (n,), [rad or m].
        turns: true for a revolute joint, false for a prismatic one. Shape (n,).
        absolute: an action is the joints' targets, not their displacements.
    """

    lower: Vector
    upper: Vector
    turns: npt.NDArray[np.bool_]
    absolute: bool = False


@dataclass(frozen=True)
class JointTargetState:
    """Motion of the joints, and their last target.

    Attributes:
        q: joint positions. Shape (n,), [rad or m].
        dq: joint velocities. Shape (n,), [rad/s or m/s].
        ddq: joint accelerations. Shape (n,), [rad/s^2 or m/s^2].
        target: the last target, from which the next displacement leads on. Shape (n,).
    """

    q: Vector
    dq: Vector
    ddq: Vector
    target: Vector


class JointTargets:
    """Moves the joints' targets by each action; the joints pass each when its action is complete.

    Targets are clipped to the joints' ranges. Between two targets a joint follows a quintic, with
    the slope of Fritsch and Butland's monotone interpolation (SciPy's PCHIP) at each: so it goes
    beyond no target, and hence beyond no range.

    VERA's runner of a hand begins each action at a mixture of the last target and the measured
    position: at 0.8 of one and 0.2 of the other. Here the joints are taken to reach each target
    within its action, so the measured position enters where a chunk begins at rest.

    Args:
        actions: what the actions mean.
        kept: share of the last target in that mixture; 1: the target alone.
        largest_gap_m: a target of the previous chunk that is farther than this from where a joint
            that slides rests is forgotten: something else has moved it, or kept it from the target.
        largest_gap_rad: the same for a joint that turns.
    """

    def __init__(
        self, actions: JointActions, kept: float, largest_gap_m: float, largest_gap_rad: float
    ) -> None:
        self._actions = actions
        self._kept = kept
        self._largest_gap = np.where(actions.turns, largest_gap_rad, largest_gap_m)

    @property
    def largest(self) -> Vector:
        """The width of each joint's range; of targets, how far they may be from zero."""
        lower, upper = self._actions.lower, self._actions.upper
        farthest = np.maximum(np.abs(lower), np.abs(upper)) if self._actions.absolute else 0.0
        return np.asarray(upper - lower + farthest)

    def at_rest(
        self, q: Vector, pose: pin.SE3 | None, before: JointTargetState | None
    ) -> JointTargetState:
        """Return the state of an arm that stands still (see ResponseModel)."""
        still, target = np.zeros(len(q)), q
        if before is not None:
            near = np.abs(before.target - q) <= self._largest_gap
            target = np.where(near, self._kept * before.target + (1.0 - self._kept) * q, q)
        return JointTargetState(q, still, still, target)

    def respond(self, state: JointTargetState, actions: Vector, control_dt_s: float) -> Response:
        """Pass through the targets (see ResponseModel)."""
        targets, clipped = self._targets(state, actions)
        times = np.arange(len(targets)) * control_dt_s
        knots = np.vstack((state.q, targets[1:]))
        with np.errstate(over="ignore"):  # of the reciprocal of a denormal slope, which counts as 0
            slopes = PchipInterpolator(times, knots).derivative()(times)
        bends = np.zeros_like(knots)
        slopes[0], slopes[-1], bends[0] = state.dq, 0.0, state.ddq
        path = BPoly.from_derivatives(times, np.stack((knots, slopes, bends), axis=1))
        samples = int(np.ceil(control_dt_s / _SAMPLE_S - 1e-9))
        sample_times = np.arange(len(actions) * samples + 1.0) * (control_dt_s / samples)
        return _JointTargetPath(
            times_s=sample_times,
            q=path(sample_times),
            step_ends=np.arange(1, len(actions) + 1) * samples,
            clipped=clipped,
            path=path,
            targets=targets,
            control_dt_s=control_dt_s,
        )

    def _targets(self, state: JointTargetState, actions: Vector) -> tuple[Vector, bool]:
        """Return the targets, the last one before the actions first, and whether any was clipped.

        A joint that is nearer to the end of its range than targets may be stays there.
        """
        lower, upper = self._actions.lower + _INSET, self._actions.upper - _INSET
        lower, upper = np.minimum(lower, state.target), np.maximum(upper, state.target)
        targets, clipped = [state.target], False
        for action in actions:
            wanted = action if self._actions.absolute else targets[-1] + action
            targets.append(np.clip(wanted, lower, upper))
            clipped = clipped or bool((targets[-1] != wanted).any())
        return np.array(targets), clipped


@dataclass(frozen=True, kw_only=True)
class _JointTargetPath(Response):
    path: BPoly
    targets: Vector
    control_dt_s: float

    def state_at(self, time_s: float) -> JointTargetState:
        """Return the state at a time of the path; its target is the nearest in time."""
        time_s = min(max(time_s, 0.0), float(self.times_s[-1]))
        number = min(round(time_s / self.control_dt_s), len(self.targets) - 1)
        q, dq, ddq = (self.path(time_s, nu=order) for order in range(3))
        return JointTargetState(q, dq, ddq, self.targets[number])
