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
            deltas: commanded translation and axis-angle rotation, base frame. Shape (H, 6), [m, rad].
            control_dt_s: duration of one action.
            q: where the arm rests. Shape (n,), [rad].
            rotation_goal: what the previous plan of this episode ended with.

        Raises:
            MotionRefusedError: the arm cannot follow.
        """
        state = ResponseState(q, np.zeros(len(q)), rotation_goal)
        response = self._response.respond(state, deltas, control_dt_s)
        path = self._follow(response, q)
        spline = self._to_rest(response.times_s, path.q)
        stretch = self._limits.stretch(spline)
        if stretch > 1.0:
            spline = spline.stretched(stretch)
        return Plan(
            spline=spline,
            tcp_path=self._tcp_path(spline),
            step_times_s=response.times_s[response.step_ends] * stretch,
            time_stretch=stretch,
            executed_trans_m=float(np.linalg.norm(deltas[:, :3], axis=1).sum()),
            ik_error_m=path.position_error_m,
            ik_error_rad=path.rotation_error_rad,
            rotation_goal=response.end.rotation_goal,
        )

    def plan_stop(self, running: Plan, time_s: float, lead_s: float) -> Plan:
        """Plan the smooth end of a running plan, of which `time_s` has passed.

        The first `lead_s` repeat the running plan, so that the controller has the stop before it
        begins. The new plan's time 0 is the running plan's `time_s`.
        """
        spline = running.spline
        count = max(1, round(lead_s / _KNOT_S))
        lead_times = np.arange(count + 1) * _KNOT_S
        lead_q = spline.derivative(0, time_s + lead_times)
        state = spline.state(time_s + lead_times[-1])
        brake_times, brake_q = brake(*state, self._limits, _KNOT_S)
        times = np.concatenate((lead_times, lead_times[-1] + brake_times))
        _, dq, ddq = spline.state(time_s)
        stop = JointSpline(times, np.vstack((lead_q, brake_q)), dq, ddq)
        return Plan(stop, self._tcp_path(stop), empty_steps())

    def plan_move(self, q: Vector, goal: Vector, speed_share: float) -> Plan:
        """Plan a straight joint motion between two resting positions (Shape (n,), [rad]).

        Every joint follows the minimum-jerk profile s(t) = 10 t^3 - 15 t^4 + 6 t^5, as slow as
        `speed_share` (0 to 1) of the rate limits asks.
        """
        count = 40
        s = np.linspace(0.0, 1.0, count + 1)[:, None]
        profile = s**3 * (10 - 15 * s + 6 * s**2)
        rest = np.zeros(len(q))
        unit = JointSpline(s[:, 0] * count * _KNOT_S, q + (goal - q) * profile, rest, rest)
        stretch = self._limits.stretch(unit) / speed_share
        spline = unit.stretched(stretch)
        return Plan(spline, self._tcp_path(spline), empty_steps())

    def _follow(self, response: Response, q: Vector) -> _JointPath:
        """Joint positions that follow the response's TCP path from `q` on."""
        start = self._arm.tcp_pose(q)
        # The modelled TCP may sit elsewhere on its hand than this arm's: follow its motion.
        shift = start.translation - response.tcp_position[0]
        turn = response.tcp_rotation[0].T @ start.rotation
        modelled = response.q.shape[1] == len(q)
        path = [q]
        worst_m = worst_rad = 0.0
        for index in range(1, len(response.times_s)):
            target = pin.SE3(
                response.tcp_rotation[index] @ turn, response.tcp_position[index] + shift
            )
            guess = path[-1]
            if modelled:
                guess = guess + response.q[index] - response.q[index - 1]
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
        dq = (1.5 * q[-1] - 2.0 * q[-2] + 0.5 * q[-3]) / dt
        ddq = (q[-1] - 2.0 * q[-2] + q[-3]) / dt**2
        brake_times, brake_q = brake(q[-1], dq, ddq, self._limits, dt)
        times = np.concatenate((times_s, times_s[-1] + brake_times))
        rest = np.zeros(q.shape[1])
        return JointSpline(times, np.vstack((q, brake_q)), rest, rest)

    def _tcp_path(self, spline: JointSpline) -> Vector:
        knots = spline.derivative(0, spline.times_s)
        return np.array([self._arm.tcp_pose(q).translation for q in knots])
