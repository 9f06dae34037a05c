# SPDX-License-Identifier: Apache-2.0
"""Joint motions that play no chunk: moves, stops, brakes, returns."""

import numpy as np

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.limits import Limits
from vera_ros.motion.planning.braking import braking_way
from vera_ros.motion.planning.joint_spline import JointSpline
from vera_ros.motion.planning.plan import KNOT_S, PLANNED_SHARE, Plan
from vera_ros.motion.planning.rate_usage import slowdown
from vera_ros.motion.planning.start import remainder

_FASTEST = 5.0  # multiple of its velocity limit that a joint can plausibly be measured at
_SHORTEST_BRAKE_S, _BRAKE_SHARE = 0.3, 0.9  # share of the rate limits
_RETURNS_S = np.geomspace(0.1, 10.0, 25)  # durations tried for a return, shortest first
_RETURN_MOMENTS = 100  # samples checked of its single piece
# Durations tried for a stop, in knots, shortest first.
_STOP_KNOTS = (4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64, 80, 96)
_STOP_SHARE = 1.4  # times speed over acceleration limit: no stop along a path is shorter
# A stop along the path that takes longer than so many times speed over acceleration limit, plus
# this, is long.
_LONG_STOP, _LONG_STOP_S = 2.0, 0.03
_SHORTEST_STOP_S, _LONGER_STOP = 0.025, 1.1  # first duration of a short stop, and ratio of the next


class Planner:
    """Plans joint motions for one arm. It keeps no state between plans.

    Args:
        arm: kinematics of the arm.
        limits: limits of the arm's motion.
    """

    def __init__(self, arm: ArmModel, limits: Limits) -> None:
        self._arm = arm
        self._limits = limits

    def plan_stop(self, running: Plan, time_s: float, lead_s: float) -> Plan:
        """Plan a smooth stop along a running plan, which is now at its time `time_s`.

        It follows the running plan's path: at the planned speed for `lead_s`, so that the
        controller has the stop before it begins, then slowing down as quickly as the rate limits
        allow. So it goes nowhere that the running plan does not go; at worst it is the running
        plan's own end. The new plan's time 0 is the running plan's `time_s`.
        """
        path, at_s = running.spline, _turn_off_s(time_s, lead_s)
        way = self._stop_along(path, at_s)
        if way is not None:
            return Plan(path.turning_off(time_s, way, at_s))
        rest = remainder(running, time_s, max(at_s, path.duration_s))
        assert rest is not None  # it takes a knot or more
        return Plan(rest)

    def plan_short_stop(
        self, running: Plan, time_s: float, lead_s: float, along: Plan
    ) -> Plan | None:
        """Plan a stop that leaves the running plan's path; None: one along the path is as soon.

        Along a path that turns, an arm that uses its limits cannot slow down before the turn. This
        stop slows every joint down at once, and ends beside the path: whether the arm may go there
        is for the gate to check. Otherwise it is like `plan_stop`.

        Args:
            running: the running plan.
            time_s: its present time.
            lead_s: how long it is still followed.
            along: the stop along its path, by `plan_stop`.
        """
        path, at_s = running.spline, _turn_off_s(time_s, lead_s)
        if at_s >= path.duration_s:
            return None
        along_s = along.duration_s - (at_s - time_s)
        soonest_s = self._braking_s(path.derivative(1, time_s))
        if along_s <= _LONG_STOP * soonest_s + _LONG_STOP_S:
            return None
        q, dq, ddq = path.state(at_s)
        duration_s = max(_SHORTEST_STOP_S, self._braking_s(dq))
        while duration_s < along_s:
            s = np.linspace(0.0, 1.0, int(np.ceil(duration_s / KNOT_S)) + 1)
            knots = q + braking_way(dq, ddq, duration_s, s)
            stop = JointSpline(s * duration_s, knots, (dq, ddq))
            if slowdown(stop, self._limits.rates, self._arm.tips) <= 1.0:
                return Plan(path.turning_off(time_s, stop, at_s))
            duration_s *= _LONGER_STOP
        return None

    def plan_brake(self, q: Vector, dq: Vector) -> Plan:
        """Plan a smooth stop from a measured state, in one gentle quintic piece.

        Its velocity is dq (1 - 3 s^2 + 2 s^3), s = t / T: it covers dq T / 2, its
        acceleration stays within 1.5 |dq| / T, and its jerk within 6 |dq| / T^2.

        Args:
            q: measured positions. Shape (n,), [rad].
            dq: measured velocities. Shape (n,), [rad/s].

        Raises:
            MotionRefusedError: the velocities are implausibly high.
        """
        if not (np.abs(dq) <= _FASTEST * self._limits.rates.joints[0]).all():
            raise MotionRefusedError(
                Cause.NO_JOINT_STATES,
                f"measured joint velocities {dq.tolist()} are implausible; valid is up to "
                f"{_FASTEST:g} times the limits, {self._limits.rates.joints[0].tolist()} rad/s "
                "(m/s where a joint slides)",
            )
        rates, speed = _BRAKE_SHARE * self._limits.rates.joints, np.abs(dq)
        for_jerk_s = np.sqrt(6.0 * speed / rates[2])
        duration_s = max(_SHORTEST_BRAKE_S, (1.5 * speed / rates[1]).max(), for_jerk_s.max())
        knots = np.stack((q, q + 0.5 * duration_s * dq))
        return Plan(JointSpline(np.array([0.0, duration_s]), knots, (dq, np.zeros(len(q)))))

    def plan_return(self, running: Plan, time_s: float, q: Vector, lead_s: float) -> Plan:
        """Plan a smooth return to rest at `q` from a running plan, now at its time `time_s`.

        It has one point, its end: a controller that plays the plan returns to `q` in one quintic
        piece, and one that never received the plan, and holds `q`, stays there. A controller that
        receives it up to `lead_s` later keeps the rate limits as well.

        Raises:
            MotionRefusedError: no return within the rate limits was found.
        """
        entries = [(late_s, running.spline.state(time_s + late_s)) for late_s in (0.0, lead_s)]
        for duration_s in _RETURNS_S:
            ways = [
                JointSpline(np.array([0.0, duration_s - late_s]), np.stack((start_q, q)), (dq, ddq))
                for late_s, (start_q, dq, ddq) in entries
                if late_s < duration_s
            ]
            rates, tips = self._limits.rates, self._arm.tips
            # No margin: the running plan itself may already reach the limits.
            if all(slowdown(way, rates, tips, _RETURN_MOMENTS) <= 1.0 for way in ways):
                return Plan(ways[0])
        raise _no_way_back(q)

    def plan_return_along(self, running: Plan, time_s: float, q: Vector, lead_s: float) -> Plan:
        """Plan a smooth return to rest at `q` that follows a running plan for `lead_s` first.

        It is for a controller that is known to play the plan, which is now at its time `time_s`;
        like a stop it leaves the plan after `lead_s`. Its time 0 is the running plan's `time_s`.

        Raises:
            MotionRefusedError: no return within the rate limits was found.
        """
        path, at_s = running.spline, _turn_off_s(time_s, lead_s)
        start_q, dq, ddq = path.state(at_s)
        for duration_s in _RETURNS_S:
            way = JointSpline(np.array([0.0, duration_s]), np.stack((start_q, q)), (dq, ddq))
            if slowdown(way, self._limits.rates, self._arm.tips, _RETURN_MOMENTS) <= 1.0:
                return Plan(path.turning_off(time_s, way, at_s))
        raise _no_way_back(q)

    def plan_move(self, q: Vector, goal: Vector, speed_share: float) -> Plan:
        """Plan a straight joint motion between two resting positions (Shape (n,), [rad]).

        Every joint follows the minimum-jerk profile s(t) = 10 t^3 - 15 t^4 + 6 t^5, as slow as
        `speed_share` (above 0, up to 1) of the rate limits requires.

        Raises:
            MotionRefusedError: the start, the goal or the share is invalid, or the move too long.
        """
        self._arm.check_positions(q, "start", Cause.NO_JOINT_STATES)
        self._arm.check_positions(goal, "goal", Cause.INVALID_CHUNK)
        if not 0 < speed_share <= 1:
            raise MotionRefusedError(
                Cause.INVALID_CHUNK, f"the speed share is {speed_share}; valid is above 0, up to 1"
            )
        count = 40
        s = np.linspace(0.0, 1.0, count + 1)[:, None]
        profile = s**3 * (10 - 15 * s + 6 * s**2)
        still = np.zeros(len(q))
        unit = JointSpline(s[:, 0] * count * KNOT_S, q + (goal - q) * profile, (still, still))
        needed = slowdown(unit, self._limits.rates, self._arm.tips) / PLANNED_SHARE
        spline = unit.stretched(max(1.0, needed) / speed_share)
        longest_s = self._limits.duration_s
        if spline.duration_s > longest_s:
            raise MotionRefusedError(
                Cause.LIMIT_EXCEEDED,
                f"at {speed_share:g} of the limits' speed the move takes {spline.duration_s:.1f} s;"
                f" valid is up to {longest_s} s; raise start_speed, speed_scale or "
                "longest_trajectory_s, or bring the arm nearer by hand",
            )
        return Plan(spline)

    def _stop_along(self, path: JointSpline, from_s: float) -> JointSpline | None:
        """Return the shortest stop along the rest of a motion; None: it ends no later by itself."""
        if from_s >= path.duration_s:
            return None
        _, dq, ddq = path.state(from_s)
        left_s = path.duration_s - from_s
        shortest_s = _STOP_SHARE * self._braking_s(dq)
        for count in _STOP_KNOTS:
            if count * KNOT_S < shortest_s:
                continue
            if count * KNOT_S >= left_s:
                break
            u = np.arange(count + 1) / count
            passed_s = count * KNOT_S * (u - u**3 + 0.5 * u**4)  # its rate is 1 - 3 u^2 + 2 u^3
            q = path.derivative(0, from_s + passed_s)
            stop = JointSpline(np.arange(count + 1.0) * KNOT_S, q, (dq, ddq))
            if slowdown(stop, self._limits.rates, self._arm.tips) <= 1.0:
                return stop
        return None

    def _braking_s(self, dq: Vector) -> float:
        """Return the time in which the slowest joint can brake [s]."""
        return float((np.abs(dq) / self._limits.rates.joints[1]).max())


def _turn_off_s(time_s: float, lead_s: float) -> float:
    """Return the time of a running plan at which what is sent at `time_s` may leave it."""
    return time_s + max(lead_s, KNOT_S)


def _no_way_back(q: Vector) -> MotionRefusedError:
    return MotionRefusedError(
        Cause.LIMIT_EXCEEDED, f"no way back to {np.round(q, 4).tolist()} keeps the rate limits"
    )
