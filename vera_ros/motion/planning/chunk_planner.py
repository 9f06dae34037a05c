# SPDX-License-Identifier: Apache-2.0
"""From a chunk of actions to a plan: response, joint path, limits."""

from contextlib import suppress
from dataclasses import replace

import numpy as np

from vera_ros.errors import ConfigurationError
from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk import ACTION_S
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.limits import Limits
from vera_ros.motion.planning.joint_path import JointPath, Paths
from vera_ros.motion.planning.joint_spline import JointSpline
from vera_ros.motion.planning.nominal_motion import NominalMotion
from vera_ros.motion.planning.plan import KNOT_S, PLANNED_SHARE, ChunkMotion, Plan
from vera_ros.motion.planning.rate_usage import motion_rates, slowdown
from vera_ros.motion.planning.start import Start, hold, remainder
from vera_ros.motion.planning.time_scaling import Timing, keep_rates
from vera_ros.motion.response.model import ResponseModel, State

_LARGEST_STRETCH = 5.0  # beyond it, the arm is near a singularity or a joint limit
_JOINS_S = (0.1, 0.2)  # tried in order: time to blend the running motion into the new one
_JOINS_AT_REST_S = (0.05,)  # the same for an arm at rest
_MOST_USED = 0.985  # largest slowdown (see rate_usage) that a final motion may need
_TRIES = 6  # at a spline that keeps the rate limits like the timing that it was made from


class ChunkPlanner:
    """Plans chunks for one arm. It keeps no state between plans."""

    def __init__(
        self,
        arm: ArmModel,
        response: ResponseModel,
        limits: Limits,
        paths: Paths,
        speed_scale: float = 1.0,
    ) -> None:
        """Set up for one arm.

        Args:
            arm: kinematics of the arm.
            response: how the policy's own environment responds to its actions.
            limits: limits of the arm's motion.
            paths: finds the joint path of a response.
            speed_scale: chunks are played at this share of their speed, or slower; 0.01 to 1.

        Raises:
            ConfigurationError: the speed scale is out of range.
        """
        if not 0.01 <= speed_scale <= 1.0:
            raise ConfigurationError(f"speed_scale is {speed_scale}; valid is 0.01 to 1")
        self._arm = arm
        self._response = response
        self._limits = limits
        self._paths = paths
        self._nominal = NominalMotion(arm, limits)
        self._speed_scale = speed_scale

    def warm_up(self, q: Vector) -> None:
        """Plan a dummy chunk to trigger JIT compilation.

        `q`: a valid posture of the arm. Shape (n,), [rad].
        """
        with suppress(MotionRefusedError):
            actions = np.zeros((1, len(self._response.largest)))
            self.plan_chunk(actions, 0.05, self.from_rest(q))

    def from_rest(self, q: Vector, before: State | None = None, lead_s: float = 0.0) -> Start:
        """Return the start of a chunk that begins at rest.

        Args:
            q: joint positions. Shape (n,), [rad].
            before: the response's state at the end of the episode's previous chunk; None: no chunk.
            lead_s: how long to hold still before the chunk.

        Raises:
            MotionRefusedError: the positions are invalid, or the response model cannot take them.
        """
        self._arm.check_positions(q, "start", Cause.NO_JOINT_STATES)
        outside = np.flatnonzero((q < self._limits.lower - 1e-9) | (q > self._limits.upper + 1e-9))
        if outside.size:
            j = int(outside[0])
            raise MotionRefusedError(
                Cause.LIMIT_EXCEEDED,
                f"joint '{self._arm.joint_names[j]}' is at {q[j]:.4f} {self._arm.unit(j)}; motion "
                f"may begin from {self._limits.lower[j]:.4f} to {self._limits.upper[j]:.4f} "
                f"{self._arm.unit(j)}; nothing is published",
            )
        still = np.zeros(len(q))
        pose = self._arm.tcp_pose(q) if len(self._arm.tips) == 1 else None
        state = self._response.at_rest(q, pose, before)
        return Start(q, still, still, state, lead=hold(q, lead_s), fresh=before is None)

    def from_end(self, running: Plan, time_s: float, lead_s: float = 0.0) -> Start:
        """Return the start of a chunk that begins where a running plan rests, now at its `time_s`.

        It begins `lead_s` after `time_s` or later; the arm holds still until it does.

        Raises:
            MotionRefusedError: as for `from_rest`.
        """
        end_s = running.duration_s
        before = None
        if running.chunk is not None:
            before = running.chunk.response.state_at(running.chunk.until_s)
        resting = self.from_rest(running.spline.state(end_s)[0], before)
        # In a piece shorter than the knots' spacing, rounding would dominate.
        begins_s = max(end_s, time_s + max(lead_s, KNOT_S))
        return replace(resting, lead=remainder(running, time_s, begins_s))

    def plan_chunk(self, actions: Vector, control_dt_s: float, start: Start) -> Plan:
        """Plan a chunk of actions, as the response model takes them (see ResponseModel.respond).

        A chunk that would leave the workspace, a joint's range or the reach is played up to there.

        Args:
            actions: Shape (H, C): pose deltas [m, rad], or displacements or targets of the joints
                [rad or m].
            control_dt_s: duration of one action.
            start: state and motion from which it begins.

        Raises:
            MotionRefusedError: the arm cannot follow, or not far enough to come to rest.
        """
        self.check(actions, control_dt_s)
        response = self._response.respond(start.state, actions, control_dt_s)
        path = self._paths.follow(response, start, actions)
        joins_s = _JOINS_AT_REST_S if start.rate is None else _JOINS_S
        for join_s in joins_s:
            nominal, until_s = self._nominal.to_rest(path, response, start, join_s)
            try:
                spline, timing = self._timed(nominal, path, start)
                break
            except MotionRefusedError:
                if join_s == joins_s[-1]:
                    raise
        ends_s = response.times_s[response.step_ends]
        ends_s = ends_s[ends_s <= until_s + 1e-9]
        played = len(ends_s)
        step_times = start.lead_s + timing.times(ends_s)
        q = path.q[np.append(0, response.step_ends[:played])]
        return Plan(
            spline=spline,
            step_times_s=step_times,
            time_stretch=timing.duration_s / nominal.duration_s,
            executed_trans_m=self._paths.travel_m(actions[:played], q),
            ik_error_m=path.position_error_m,
            ik_error_rad=path.rotation_error_rad,
            clipped=response.clipped,
            cut=path.cut if played < len(actions) else None,
            chunk=ChunkMotion(response, path.offset, timing, start.lead_s, until_s),
        )

    def _timed(
        self, nominal: JointSpline, path: JointPath, start: Start
    ) -> tuple[JointSpline, Timing]:
        """Slow the nominal motion to limits and speed scale, and prepend the start's lead."""
        rates, tips = self._limits.rates, self._arm.tips
        as_it_is = path.slow is None and self._speed_scale == 1.0
        as_it_is = as_it_is and (start.rate is None or abs(start.rate - 1.0) < 1e-6)
        if as_it_is and slowdown(nominal, rates, tips) <= PLANNED_SHARE:
            timing = Timing.as_it_is(nominal.duration_s)
            return self._spread(nominal, timing, start), timing
        times = np.linspace(0.0, nominal.times_s[len(path.q) - 1], len(path.q))
        slow = np.ones(len(path.q)) if path.slow is None else path.slow
        share, best = PLANNED_SHARE, np.inf
        for _ in range(_TRIES):
            attempt = keep_rates(
                nominal.duration_s,
                lambda s: motion_rates(nominal, tips, s),
                rates.shares,
                share=share,
                highest=lambda s: self._speed_scale * np.interp(s, times, slow),
                start=start.rate,
            )
            stretch = attempt.duration_s / nominal.duration_s
            if stretch > _LARGEST_STRETCH / self._speed_scale:  # also too many knots to check
                if best < np.inf:
                    break
                raise self._too_slow(stretch)
            spread = self._spread(nominal, attempt, start)
            # Its knots differ from the nominal motion's, so its rates differ a little as well.
            used = slowdown(spread, rates, tips)
            if used < best:
                best, spline, timing = used, spread, attempt
            if used <= _MOST_USED:
                break
            share *= max(0.8, (_MOST_USED / used) ** 2)
        return spline, timing

    def _too_slow(self, stretch: float) -> MotionRefusedError:
        return MotionRefusedError(
            Cause.LIMIT_EXCEEDED,
            f"the limits would stretch the chunk to {stretch:.1f} times its duration; valid is "
            f"up to {_LARGEST_STRETCH / self._speed_scale} (is the arm near a singularity or a "
            "joint limit?)",
        )

    def _spread(self, nominal: JointSpline, timing: Timing, start: Start) -> JointSpline:
        """Apply the timing to the nominal motion, and prepend the start's lead."""
        if start.lead is None and timing.unchanged:
            return nominal
        count = int(np.ceil(timing.duration_s / KNOT_S))
        times = np.linspace(0.0, timing.duration_s, count + 1)
        q = nominal.derivative(0, timing.nominal(times))
        spread = JointSpline(times, q, (start.dq, start.ddq))
        lead = start.lead
        return spread if lead is None else lead.turning_off(0.0, spread, lead.duration_s)

    def check_measured(self, q: Vector) -> None:
        """Refuse joint positions that are not n finite numbers.

        Raises:
            MotionRefusedError: with the reason.
        """
        self._arm.check_positions(q, "measured posture", Cause.NO_JOINT_STATES)

    def check(self, actions: Vector, control_dt_s: float) -> None:
        """Refuse invalid actions and durations (see `plan_chunk`).

        Raises:
            MotionRefusedError: with the reason.
        """
        largest = self._response.largest
        columns = len(largest)
        if actions.ndim != 2 or actions.shape[1] != columns or len(actions) == 0:
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"a chunk of shape {actions.shape} cannot be planned; valid is (H, {columns}), H "
                "above 0",
            )
        if not np.isfinite(actions).all():
            raise MotionRefusedError(
                Cause.INVALID_CHUNK, "a chunk with values that are not finite cannot be planned"
            )
        beyond = np.abs(actions) / largest
        if (beyond > 1.0).any():
            row, column = np.unravel_index(np.argmax(beyond), beyond.shape)
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"a chunk with {actions[row, column]:.3g} in column {column + 1} of an action is "
                f"implausible; valid is up to {largest[column]:.3g} (m or rad) there",
            )
        shortest_s, longest_s = ACTION_S
        if not shortest_s <= control_dt_s <= longest_s:
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"an action lasts {control_dt_s} s; valid is {shortest_s:g} to {longest_s:g} s",
            )
        if len(actions) * control_dt_s > self._limits.duration_s:
            raise MotionRefusedError(
                Cause.LIMIT_EXCEEDED,
                f"{len(actions)} actions of {control_dt_s:.3f} s take longer than the longest "
                f"trajectory allowed, {self._limits.duration_s} s",
            )
