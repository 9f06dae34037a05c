# SPDX-License-Identifier: Apache-2.0
"""From commanded deltas to a plan: response, inverse kinematics, braking, limits."""

from dataclasses import dataclass

import numpy as np
import pinocchio as pin

from vera_ros.motion.arm_model import ArmModel
from vera_ros.motion.braking import brake
from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.ik import IkSolver, Verdict
from vera_ros.motion.joint_spline import JointSpline
from vera_ros.motion.limits import Limits
from vera_ros.motion.plan import Plan, empty_steps
from vera_ros.motion.response import Response, ResponseModel, ResponseState, Vector

_KNOT_S = 0.0125  # spacing of the knots of plans that no response model spaces
_LARGEST_STRETCH = 5.0  # beyond it, near a singularity or a joint's limit, joints race for nothing
_STOP_KNOTS = (8, 12, 16, 24, 32, 48, 64, 96)  # lengths that a stop may have, shortest first


@dataclass(frozen=True)
class _JointPath:
    q: Vector
    position_error_m: float
    rotation_error_rad: float


class Planner:
    """Plans motions for one arm. It keeps no state between plans."""

    def __init__(
        self, arm: ArmModel, response: ResponseModel, limits: Limits, ik: IkSolver
    ) -> None:
        self._arm = arm
        self._response = response
        self._limits = limits
        self._ik = ik

    def plan_chunk(
        self, deltas: Vector, control_dt_s: float, q: Vector, rotation_goal: Vector | None
    ) -> Plan:
        """Plan a chunk of pose deltas from rest.

        Args:
            deltas: commanded translation and axis-angle rotation, base frame. Shape (H, 6),
                [m, rad].
            control_dt_s: duration of one action.
            q: where the arm rests. Shape (n,), [rad].
            rotation_goal: what the previous plan of this episode ended with.

        Raises:
            MotionRefusedError: the arm cannot follow.
        """
        self._check_chunk(deltas, control_dt_s, q)
        state = ResponseState(q, np.zeros(len(q)), rotation_goal)
        with np.errstate(over="ignore", invalid="ignore"):
            response = self._response.respond(state, deltas, control_dt_s)
        if not (np.isfinite(response.q).all() and np.isfinite(response.tcp_position).all()):
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"the response to the chunk is not finite; its largest number is "
                f"{np.abs(deltas).max():.3g} (m or rad); nothing is published",
            )
        path = self._follow(response, q)
        nominal = self._to_rest(response.times_s, path.q)
        spline, stretch, tcp_path = self._slowed(nominal)
        if stretch > _LARGEST_STRETCH:
            raise MotionRefusedError(
                Cause.LIMIT_EXCEEDED,
                f"the limits would stretch the chunk to {stretch:.1f} times its duration; valid is "
                f"up to {_LARGEST_STRETCH} (is the arm near a singularity or a joint limit?)",
            )
        return Plan(
            spline=spline,
            tcp_path=tcp_path,
            step_times_s=response.times_s[response.step_ends] * stretch,
            time_stretch=stretch,
            executed_trans_m=float(np.linalg.norm(deltas[:, :3], axis=1).sum()),
            ik_error_m=path.position_error_m,
            ik_error_rad=path.rotation_error_rad,
            rotation_goal=response.end.rotation_goal,
        )

    def plan_stop(self, running: Plan, time_s: float, lead_s: float) -> Plan:
        """Plan the smooth end of a running plan, of which `time_s` has passed.

        It follows the running plan's path: the first `lead_s` as it is, so that the controller has
        the stop before it begins, then ever slower, as fast as the rate limits allow. So it goes
        nowhere that the running plan does not go; at worst it is the running plan's own end.
        The new plan's time 0 is the running plan's `time_s`.
        """
        stop = self._stop_along(running, time_s, max(1, round(lead_s / _KNOT_S)))
        return Plan(stop, self._tcp_path(stop), empty_steps())

    def plan_brake(self, q: Vector, dq: Vector) -> Plan:
        """Plan a smooth stop from a measured state, wherever any plan may be.

        Args:
            q: measured positions. Shape (n,), [rad].
            dq: measured velocities. Shape (n,), [rad/s].
        """
        still = np.zeros(len(q))
        times, knots = brake(q, dq, still, self._limits, _KNOT_S)
        spline = JointSpline(np.append(0.0, times), np.vstack((q, knots)), dq, still)
        return Plan(spline, self._tcp_path(spline), empty_steps())

    def plan_move(self, q: Vector, goal: Vector, speed_share: float) -> Plan:
        """Plan a straight joint motion between two resting positions (Shape (n,), [rad]).

        Every joint follows the minimum-jerk profile s(t) = 10 t^3 - 15 t^4 + 6 t^5, as slow as
        `speed_share` (0 to 1) of the rate limits asks.

        Raises:
            MotionRefusedError: the start, the goal or the share is not valid.
        """
        self._check_joints(q, "start", Cause.NO_JOINT_STATES)
        self._check_joints(goal, "goal", Cause.INVALID_CHUNK)
        if not 0 < speed_share <= 1:
            raise MotionRefusedError(
                Cause.INVALID_CHUNK, f"the speed share is {speed_share}; valid is above 0, up to 1"
            )
        count = 40
        s = np.linspace(0.0, 1.0, count + 1)[:, None]
        profile = s**3 * (10 - 15 * s + 6 * s**2)
        rest = np.zeros(len(q))
        unit = JointSpline(s[:, 0] * count * _KNOT_S, q + (goal - q) * profile, rest, rest)
        spline, _, tcp_path = self._slowed(unit, speed_share)
        return Plan(spline, tcp_path, empty_steps())

    def _check_chunk(self, deltas: Vector, control_dt_s: float, q: Vector) -> None:
        self._check_joints(q, "start", Cause.NO_JOINT_STATES)
        if deltas.ndim != 2 or deltas.shape[1] != 6 or len(deltas) == 0:
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"a chunk of shape {deltas.shape} cannot be planned; valid is (H, 6), H above 0",
            )
        if not np.isfinite(deltas).all():
            raise MotionRefusedError(
                Cause.INVALID_CHUNK, "a chunk with values that are not finite cannot be planned"
            )
        if not 1e-3 <= control_dt_s <= 1.0:
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"an action lasts {control_dt_s} s; valid is 0.001 to 1 s",
            )
        if len(deltas) * control_dt_s > self._limits.duration_s:
            raise MotionRefusedError(
                Cause.LIMIT_EXCEEDED,
                f"{len(deltas)} actions of {control_dt_s:.3f} s take longer than the longest "
                f"trajectory allowed, {self._limits.duration_s} s",
            )

    def _check_joints(self, q: Vector, what: str, cause: Cause) -> None:
        if q.shape != (self._arm.n,) or not np.isfinite(q).all():
            raise MotionRefusedError(
                cause, f"the {what} is {q.tolist()}; valid are {self._arm.n} finite joint positions"
            )

    def _slowed(
        self, spline: JointSpline, speed_share: float = 1.0
    ) -> tuple[JointSpline, float, Vector]:
        """The motion as slow as the limits ask, by what factor, and its TCP positions."""
        q, dq = (spline.derivative(order, spline.times_s) for order in (0, 1))
        tcp_path, twists = self._arm.tcp_motion(q, dq)
        stretch = max(self._limits.stretch(spline), self._limits.stretch_tcp(twists)) / speed_share
        return (spline.stretched(stretch) if stretch > 1.0 else spline), stretch, tcp_path

    def _stop_along(self, running: Plan, time_s: float, lead: int) -> JointSpline:
        """The shortest stop along the running plan's path, after `lead` knots as planned."""
        _, dq, ddq = running.spline.state(time_s)

        def along(phase: Vector) -> JointSpline:
            q = running.spline.derivative(0, time_s + phase * _KNOT_S)
            return JointSpline(np.arange(float(len(phase))) * _KNOT_S, q, dq, ddq)

        left = int(np.ceil((running.duration_s - time_s) / _KNOT_S))
        for count in _STOP_KNOTS:
            if lead + count >= left:
                break
            u = np.arange(1, count + 1) / count
            slower = lead + count * (u - u**3 + 0.5 * u**4)  # at the speed 1 - 3 u^2 + 2 u^3
            stop = along(np.append(np.arange(lead + 1.0), slower))
            if self._limits.keeps_rates(stop):
                return stop
        return along(np.arange(max(lead, left) + 1.0))

    def _follow(self, response: Response, q: Vector) -> _JointPath:
        """Joint positions that follow the response's TCP path from `q` on."""
        start = self._arm.tcp_pose(q)
        # The modelled TCP may sit elsewhere on its hand than this arm's: follow its motion.
        shift = start.translation - response.tcp_position[0]
        turn = response.tcp_rotation[0].T @ start.rotation
        positions = response.tcp_position + shift
        rotations = response.tcp_rotation @ turn
        # The modelled arm's own motion leads where it has the same joints.
        lead = np.zeros((len(positions), len(q)))
        if response.q.shape == lead.shape:
            lead[1:] = np.diff(response.q, axis=0)
        path = [q]
        worst_m = worst_rad = 0.0
        for index in range(1, len(positions)):
            target = pin.SE3(rotations[index], positions[index])
            guess = path[-1] + lead[index]
            solution = self._ik.solve(target, guess)
            if solution.verdict is not Verdict.SOLVED:
                raise MotionRefusedError(
                    Cause.UNREACHABLE,
                    f"the TCP cannot go to {np.round(target.translation, 3).tolist()} m: "
                    f"{solution.position_error_m * 1e3:.1f} mm and "
                    f"{solution.rotation_error_rad * 1e3:.1f} mrad are left "
                    f"({solution.verdict.value}); nothing is published",
                )
            worst_m = max(worst_m, solution.position_error_m)
            worst_rad = max(worst_rad, solution.rotation_error_rad)
            path.append(solution.q)
        return _JointPath(np.array(path), worst_m, worst_rad)

    def _to_rest(self, times_s: Vector, q: Vector) -> JointSpline:
        """A spline through the path, from rest, with a smooth stop at its end."""
        dt = times_s[1] - times_s[0]
        before, previous, last = np.vstack((q[:1], q))[-3:]  # it rested before the first sample
        dq = (1.5 * last - 2.0 * previous + 0.5 * before) / dt
        ddq = (last - 2.0 * previous + before) / dt**2
        brake_times, brake_q = brake(q[-1], dq, ddq, self._limits, dt)
        times = np.concatenate((times_s, times_s[-1] + brake_times))
        rest = np.zeros(q.shape[1])
        return JointSpline(times, np.vstack((q, brake_q)), rest, rest)

    def _tcp_path(self, spline: JointSpline) -> Vector:
        knots = spline.derivative(0, spline.times_s)
        return np.array([self._arm.tcp_pose(q).translation for q in knots])
