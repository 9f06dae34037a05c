# SPDX-License-Identifier: Apache-2.0
"""Joint motion of a response in nominal time, from the arm's present motion to rest."""

import numpy as np

from vera_ros.motion.causes import Cause, MotionRefusedError, Reason
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.limits import Limits
from vera_ros.motion.planning.braking import brake
from vera_ros.motion.planning.joint_path import JointPath
from vera_ros.motion.planning.joint_spline import JointSpline, Rates
from vera_ros.motion.planning.plan import KNOT_S
from vera_ros.motion.planning.start import Start
from vera_ros.motion.response.model import Response

_CUT_S = 0.16  # time to come to rest before a cut, over half the distance of full speed
_ROUNDING = 1e-9  # of a joint that rests at an end of its range [rad or m]
_SHORTEST_CUT = 2  # samples of the path
_BEYOND = Reason(
    Cause.LIMIT_EXCEEDED, "the arm would come to rest beyond a joint's range or the workspace"
)


class NominalMotion:
    """Blends a joint path into the arm's motion, and brings it to rest.

    Args:
        arm: kinematics of the arm.
        limits: limits of the arm's motion.
    """

    def __init__(self, arm: ArmModel, limits: Limits) -> None:
        self._arm = arm
        self._limits = limits

    def to_rest(
        self, path: JointPath, response: Response, start: Start, join_s: float
    ) -> tuple[JointSpline, float]:
        """Return a path as a motion to rest, and until when it follows the response [s].

        Raises:
            MotionRefusedError: the path is cut before the first action is complete.
        """
        spacing_s = response.times_s[1]
        half = min(int(_CUT_S / spacing_s / 2), len(path.q) - 1 - int(response.step_ends[0]))
        early = half < _SHORTEST_CUT
        if path.cut is not None and early:
            raise _refusal(path.cut)
        times, begin = response.times_s[: len(path.q)], (start.dq, start.ddq)
        if start.rate is not None:
            begin = (start.dq / start.rate, start.ddq / start.rate**2)
        q = _join(times, path.q, begin, join_s)
        whole = self._braked(times, q, begin)
        if path.cut is None:
            if self._ends_inside(whole, len(times)):
                return whole, float(times[-1])
            if early:
                raise _refusal(_BEYOND)
        slows, knots = len(times) - 1 - half, 2 * half  # it slows down from that sample on
        u = np.arange(knots + 1) / knots
        phase = np.append(np.arange(slows), slows + knots * (u - u**3 + 0.5 * u**4))
        slower = whole.derivative(0, phase * spacing_s)
        return JointSpline(np.arange(len(phase)) * spacing_s, slower, begin), slows * spacing_s

    def _ends_inside(self, motion: JointSpline, samples: int) -> bool:
        """Whether the stop after the path's samples stays in joint ranges and workspace."""
        limits = self._limits
        q = motion.derivative(0, motion.times_s[samples:])
        if not ((q >= limits.lower - _ROUNDING) & (q <= limits.upper + _ROUNDING)).all():
            return False
        return not any(limits.depth_outside(*tip.poses(q)).any() for tip in self._arm.tips)

    def _braked(self, times_s: Vector, q: Vector, begin: Rates) -> JointSpline:
        """Return a spline through the path, with a smooth stop at its end."""
        dt = times_s[1] - times_s[0] if len(times_s) > 1 else KNOT_S
        before, previous, last = np.vstack((q[:1] - dt * begin[0], q[:1], q))[-3:]
        dq = (1.5 * last - 2.0 * previous + 0.5 * before) / dt
        ddq = (last - 2.0 * previous + before) / dt**2
        if len(q) >= 6:  # finite differences misread the jerk of a path that ends at rest
            rates = np.polynomial.polynomial.polyfit(times_s[-6:] - times_s[-1], q[-6:], 5)
            dq, ddq = rates[1], 2.0 * rates[2]
        brake_times, brake_q = brake(q[-1], dq, ddq, self._limits.rates.joints, dt)
        times = np.concatenate((times_s, times_s[-1] + brake_times))
        return JointSpline(times, np.vstack((q, brake_q)), begin)


def _refusal(cut: Reason) -> MotionRefusedError:
    """Return the refusal of a chunk of which not even the first action can be played."""
    return MotionRefusedError(cut.cause, f"{cut}; nothing is published")


def _join(times_s: Vector, q: Vector, begin: Rates, join_s: float) -> Vector:
    """Return a path that begins with the rates `begin` and blends into `q` within `join_s`.

    At every action the training environment's controller sets a new goal, and its arm's
    acceleration jumps. With dv and da the difference of `begin` from the rates of `q` (Shape
    (N, n), [rad]) at the start, the path deviates from `q` by
    dv t (1 - t / T)^4 + (da / 2 + 4 dv / T) t^2 (1 - t / T)^3, which vanishes at T = `join_s`.
    """
    count = min(len(times_s), 5)
    rates = np.polynomial.polynomial.polyfit(times_s[:count], q[:count], count - 1)
    dv = begin[0] - (rates[1] if count > 1 else 0.0)
    da = begin[1] - (2.0 * rates[2] if count > 2 else 0.0)
    x = np.minimum(times_s / join_s, 1.0)[:, None]
    t = times_s[:, None]
    return np.asarray(
        q + dv * t * (1 - x) ** 4 + (0.5 * da + 4.0 * dv / join_s) * t**2 * (1 - x) ** 3
    )
