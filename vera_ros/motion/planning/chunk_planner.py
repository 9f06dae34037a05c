# SPDX-License-Identifier: Apache-2.0
"""From a chunk of commanded deltas to a plan: response, inverse kinematics, limits."""

from contextlib import suppress
from dataclasses import replace

import numpy as np

from vera_ros.errors import ConfigurationError
from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk import ACTION_S
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.limits import Limits
from vera_ros.motion.planning.joint_spline import JointSpline
from vera_ros.motion.planning.nominal_motion import NominalMotion
from vera_ros.motion.planning.plan import KNOT_S, PLANNED_SHARE, ChunkMotion, Offset, Plan
from vera_ros.motion.planning.rate_usage import motion_rates, slowdown
from vera_ros.motion.planning.start import Start, hold, remainder
from vera_ros.motion.planning.tcp_path import JointPath, PathFinder
from vera_ros.motion.planning.time_scaling import Timing, keep_rates
from vera_ros.motion.response.model import Response, ResponseModel, State

_LARGEST_STRETCH = 5.0  # beyond it, the arm is near a singularity or a joint limit
_LARGEST_DELTA = np.array([1.0, 1.0, 1.0, np.pi, np.pi, np.pi])  # of one action [m, rad]
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
        paths: PathFinder,
        speed_scale: float = 1.0,
    ) -> None:
        """Set up for one arm.

        Args:
            arm: kinematics of the arm.
            response: how the policy's own environment responds to its actions.
            limits: limits of the arm's motion.
            paths: finds joint positions along a TCP path.
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
            self.plan_chunk(np.zeros((1, 6)), 0.05, self.from_rest(q))

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
                f"joint '{self._arm.joint_names[j]}' is at {q[j]:.4f} rad; motion may begin from "
                f"{self._limits.lower[j]:.4f} to {self._limits.upper[j]:.4f} rad; nothing is "
                "published",
            )
        still = np.zeros(len(q))
        state = self._response.at_rest(q, self._arm.tcp_pose(q), before)
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

    def plan_chunk(self, deltas: Vector, control_dt_s: float, start: Start) -> Plan:
        """Plan a chunk of pose deltas.

        A chunk that would leave the workspace, a joint's range or the reach is played up to there.

        Args:
            deltas: commanded translation and axis-angle rotation, base frame. Shape (H, 6),
                [m, rad].
            control_dt_s: duration of one action.
            start: state and motion from which it begins.

        Raises:
            MotionRefusedError: the arm cannot follow, or not far enough to come to rest.
        """
        self.check(deltas, control_dt_s)
        response = self._response.respond(start.state, deltas, control_dt_s)
        offset = start.offset or self._offset(response, start.q)
        position, rotation, joints = response.position, response.rotation, response.q
        if start.fresh and not deltas.any():
            # The modelled arm creeps towards its posture; with zero deltas it is to stand still.
            position = np.broadcast_to(position[0], position.shape)
            rotation = np.broadcast_to(rotation[0], rotation.shape)
            joints = None
        path = self._paths.find(
            position + offset.shift,
            rotation @ offset.turn,
            response.times_s,
            start.q,
            joints,
        )
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
        step_times = start.lead_s + timing.times(ends_s)
        return Plan(
            spline=spline,
            step_times_s=step_times,
            time_stretch=timing.duration_s / nominal.duration_s,
            executed_trans_m=float(np.linalg.norm(deltas[: len(ends_s), :3], axis=1).sum()),
            ik_error_m=path.position_error_m,
            ik_error_rad=path.rotation_error_rad,
            cut=path.cut if len(ends_s) < len(deltas) else None,
            chunk=ChunkMotion(response, offset, timing, start.lead_s, until_s),
        )

    def _offset(self, response: Response, q: Vector) -> Offset:
        """Return the offset of this arm's TCP from the modelled one, at joint positions `q`."""
        pose = self._arm.tcp_pose(q)
        return Offset(
            pose.translation - response.position[0], response.rotation[0].T @ pose.rotation
        )

    def _timed(
        self, nominal: JointSpline, path: JointPath, start: Start
    ) -> tuple[JointSpline, Timing]:
        """Slow the nominal motion to limits and speed scale, and prepend the start's lead."""
        rates, chain = self._limits.rates, self._arm.chain
        as_it_is = path.slow is None and self._speed_scale == 1.0
        as_it_is = as_it_is and (start.rate is None or abs(start.rate - 1.0) < 1e-6)
        if as_it_is and slowdown(nominal, rates, chain) <= PLANNED_SHARE:
            timing = Timing.as_it_is(nominal.duration_s)
            return self._spread(nominal, timing, start), timing
        times = np.linspace(0.0, nominal.times_s[len(path.q) - 1], len(path.q))
        slow = np.ones(len(path.q)) if path.slow is None else path.slow
        share, best = PLANNED_SHARE, np.inf
        for _ in range(_TRIES):
            attempt = keep_rates(
                nominal.duration_s,
                lambda s: motion_rates(nominal, chain, s),
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
            used = slowdown(spread, rates, chain)
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

    def check(self, deltas: Vector, control_dt_s: float) -> None:
        """Refuse invalid deltas and durations (see `plan_chunk`).

        Raises:
            MotionRefusedError: with the reason.
        """
        if deltas.ndim != 2 or deltas.shape[1] != 6 or len(deltas) == 0:
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"a chunk of shape {deltas.shape} cannot be planned; valid is (H, 6), H above 0",
            )
        if not np.isfinite(deltas).all():
            raise MotionRefusedError(
                Cause.INVALID_CHUNK, "a chunk with values that are not finite cannot be planned"
            )
        if (np.abs(deltas) > _LARGEST_DELTA).any():
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"a chunk with a delta of {np.abs(deltas).max():.3g} (m or rad) in one action "
                "is implausible; valid is up to 1 m and pi rad",
            )
        shortest_s, longest_s = ACTION_S
        if not shortest_s <= control_dt_s <= longest_s:
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"an action lasts {control_dt_s} s; valid is {shortest_s:g} to {longest_s:g} s",
            )
        if len(deltas) * control_dt_s > self._limits.duration_s:
            raise MotionRefusedError(
                Cause.LIMIT_EXCEEDED,
                f"{len(deltas)} actions of {control_dt_s:.3f} s take longer than the longest "
                f"trajectory allowed, {self._limits.duration_s} s",
            )
