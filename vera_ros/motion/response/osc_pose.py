# SPDX-License-Identifier: Apache-2.0
"""The response of an arm under operational-space control (robosuite's OSC_POSE) to pose deltas.

The goal is set at every action, relative to the pose achieved; between two actions the control law
(`osc_law`) runs in the training environment's own physics steps.
"""

from dataclasses import dataclass

import numpy as np
import pinocchio as pin
from scipy.interpolate import CubicHermiteSpline

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.kinematics.chain import forward_kinematics, tcp_poses
from vera_ros.motion.kinematics.ik_solver import IkSolver, Verdict
from vera_ros.motion.kinematics.jit import compiled
from vera_ros.motion.kinematics.vec3 import (
    Triple,
    Vector,
    copy,
    copy_matrix,
    cross,
    dot,
    minus,
    multiply,
    norm,
    plus,
    rotate_about,
    store,
    times,
    triple,
)
from vera_ros.motion.response.model import LARGEST_POSE_DELTA, TcpResponse
from vera_ros.motion.response.osc_law import step
from vera_ros.motion.response.osc_model import OscModel
from vera_ros.motion.response.osc_plant import Plant, Workspace

_SHORTEST_SAMPLE_S, _LONGEST_SAMPLE_S = 0.01, 0.017
# The tail may end when braking covers no more than the law would: v times 41 ms, 1 mm.
_REST_SPEED_M_S = 0.02
_REST_TURN_RAD_S = 0.1
_LONGEST_TAIL_S = 0.8
_OTHER_TOOL_M = 0.15


@dataclass(frozen=True)
class OscState:
    """State of the modelled arm.

    Attributes:
        q: joint positions. Shape (n,), [rad].
        dq: joint velocities. Shape (n,), [rad/s].
        rotation_goal: the controller's, base frame; None: its present rotation. Shape (3, 3).
    """

    q: Vector
    dq: Vector
    rotation_goal: Vector | None = None


class OscPoseResponse:
    """Runs the control law on the training environment's arm."""

    def __init__(self, model: OscModel) -> None:
        self._model = model
        far = np.full(model.arm.nq, np.pi)
        self._ik = IkSolver(model.plant.chain, -far, far, max_iterations=100)

    @property
    def largest(self) -> Vector:
        """See ResponseModel."""
        return LARGEST_POSE_DELTA

    def at_rest(self, q: Vector, pose: pin.SE3, before: OscState | None) -> OscState:
        """Return the state of an arm that stands still (see ResponseModel).

        An arm whose joints bring the modelled TCP to about the same place is the modelled one. For
        any other arm, the modelled one takes the TCP's pose, near its controller's null-space
        posture.

        Raises:
            MotionRefusedError: the modelled arm does not reach the pose.
        """
        goal = None if before is None else before.rotation_goal
        still = np.zeros(self._model.arm.nq)
        if len(q) == len(still) and self._is_near(q, pose):
            return OscState(q, still, goal)
        solution = self._ik.solve(pose, self._model.plant.posture)
        if solution.verdict is not Verdict.SOLVED:
            raise MotionRefusedError(
                Cause.UNREACHABLE,
                f"the arm of the response model does not reach the TCP's pose at "
                f"{np.round(pose.translation, 3).tolist()} m; nothing is published",
            )
        return OscState(solution.q, still, goal)

    def _is_near(self, q: Vector, pose: pin.SE3) -> bool:
        """Return whether the modelled arm's TCP is near a pose, as one with another tool is."""
        positions, rotations = np.empty((1, 3)), np.empty((1, 3, 3))
        tcp_poses(self._model.plant.chain, np.ascontiguousarray(q[None]), positions, rotations)
        apart = np.linalg.norm(positions[0] - pose.translation)
        return bool(apart < _OTHER_TOOL_M and rotations[0, :, 2] @ pose.rotation[:, 2] > 0.7)

    def respond(self, state: OscState, deltas: Vector, control_dt_s: float) -> TcpResponse:
        """Play the deltas until the modelled arm rests (see ResponseModel).

        Raises:
            MotionRefusedError: the modelled arm gets into a singular posture, or the numbers
                overflow.
        """
        samples, steps, dt = self._division(control_dt_s)
        tail = int(np.ceil(_LONGEST_TAIL_S / control_dt_s))
        commands = np.vstack((deltas, np.zeros((tail, 6))))
        # Allocated for each call: threads may share the model.
        w, plant = Workspace.of(self._model.arm.nq), self._model.plant
        count, n = len(commands), len(state.q)
        q, dq = np.empty((count * samples + 1, n)), np.empty((count * samples + 1, n))
        goals = np.empty((count, 3, 3))
        q[0], dq[0] = state.q, state.dq
        forward_kinematics(plant.chain, q[0], w.rotations, w.positions, w.axes)
        achieved = w.rotations[-1].copy()
        played = _roll_out(
            plant,
            w,
            commands,
            len(deltas),
            achieved if state.rotation_goal is None else state.rotation_goal,
            self._model.zero_rotation_keeps_goal,
            samples,
            steps,
            dt,
            q,
            dq,
            goals,
        )
        if played < 0:
            raise MotionRefusedError(
                Cause.SINGULAR,
                "the motion leads through a singular posture of the response model's arm; nothing "
                "is published",
            )
        last = played * samples + 1
        q, dq = q[:last], dq[:last]
        if not (np.isfinite(q).all() and np.isfinite(dq).all()):
            raise MotionRefusedError(
                Cause.INVALID_CHUNK,
                f"the response to the chunk is not finite; the chunk's largest delta is "
                f"{np.abs(deltas).max():.3g} (m or rad); nothing is published",
            )
        positions, rotations = np.empty((last, 3)), np.empty((last, 3, 3))
        _tcp_path(plant, w, q, positions, rotations)
        return _OscPath(
            times_s=np.arange(float(last)) * (steps * dt),
            position=positions,
            rotation=rotations,
            q=q,
            step_ends=np.arange(1, len(deltas) + 1) * samples,
            dq=dq,
            goals=goals[:played],
        )

    def _division(self, control_dt_s: float) -> tuple[int, int, float]:
        """Return samples per action, physics steps per sample, and the duration of a step [s].

        The duration is as near to the environment's as possible.
        """
        fewest = int(np.ceil(control_dt_s / _LONGEST_SAMPLE_S - 1e-9))
        most = max(fewest, int(control_dt_s / _SHORTEST_SAMPLE_S + 1e-9))
        physics_s = self._model.physics_step_s

        def rounding(samples: int) -> float:
            exact = control_dt_s / samples / physics_s
            return abs(exact - max(1, round(exact))) / exact

        samples = min(range(fewest, most + 1), key=rounding)
        steps = max(1, round(control_dt_s / samples / physics_s))
        return samples, steps, control_dt_s / samples / steps


@dataclass(frozen=True, kw_only=True)
class _OscPath(TcpResponse):
    """Response with the modelled arm's velocities and the rotation goals of actions and tail."""

    dq: Vector
    goals: Vector

    def state_at(self, time_s: float) -> OscState:
        """Return the modelled arm's state, interpolated between the samples."""
        q = np.asarray(self.q)
        spacing_s = self.times_s[1]
        at = min(max(time_s / spacing_s, 0.0), len(q) - 1.0)  # in samples
        row = min(int(at), len(q) - 2)
        piece = CubicHermiteSpline(
            [0.0, spacing_s], q[row : row + 2], self.dq[row : row + 2], extrapolate=False
        )
        within_s = (at - row) * spacing_s
        per_action = (len(q) - 1) // len(self.goals)
        # At the very end of an action, its goal still holds.
        action = min(max(int(np.ceil(at - 1e-6)) - 1, 0) // per_action, len(self.goals) - 1)
        return OscState(piece(within_s), piece(within_s, 1), self.goals[action])


@compiled
def _roll_out(
    plant: Plant,
    w: Workspace,
    commands: Vector,
    actions: int,
    rotation_goal: Vector,
    zero_keeps: bool,
    samples: int,
    steps: int,
    dt: float,
    q: Vector,
    dq: Vector,
    goals: Vector,
) -> int:
    """Play the commands until the TCP rests, at least `actions` of them; fill q, dq and goals.

    Return how many were played; -1: the arm got into a singular posture.
    """
    n = q.shape[1]
    now, rate = q[0].copy(), dq[0].copy()
    goal_rotation, goal_position, turned = rotation_goal.copy(), np.empty(3), np.empty((3, 3))
    row = 0
    for number in range(len(commands)):
        forward_kinematics(plant.chain, now, w.rotations, w.positions, w.axes)
        if number >= actions and _rests(w, rate):
            return number
        command = commands[number]
        store(plus(triple(w.positions[n]), triple(command)), goal_position)
        rotation = triple(command[3:])
        if norm(rotation) > 0.0 or not zero_keeps:
            _exponential(rotation, turned)
            multiply(turned, w.rotations[n], goal_rotation)
        copy_matrix(goal_rotation, goals[number])
        for _ in range(samples):
            for _ in range(steps):
                if not step(plant, w, now, rate, goal_position, goal_rotation, dt):
                    return -1
            row += 1
            copy(now, q[row])
            copy(rate, dq[row])
    return len(commands)


@compiled
def _rests(w: Workspace, dq: Vector) -> bool:
    """Whether the TCP is nearly at rest, with the kinematics in `w`."""
    n = len(dq)
    tcp = triple(w.positions[n])
    linear, angular = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    for j in range(n):
        spin = times(dq[j], triple(w.axes[j]))
        angular = plus(angular, spin)
        linear = plus(linear, cross(spin, minus(tcp, triple(w.positions[j]))))
    return bool(
        dot(linear, linear) < _REST_SPEED_M_S**2 and dot(angular, angular) < _REST_TURN_RAD_S**2
    )


@compiled
def _exponential(rotation: Triple, R: Vector) -> None:
    """Compute the rotation matrix `R` of an axis-angle vector [rad]."""
    axis, angle = np.zeros(3), norm(rotation)
    if angle > 0.0:
        store(times(1.0 / angle, rotation), axis)
    for r in range(3):
        for c in range(3):
            R[r, c] = 1.0 if r == c else 0.0
    rotate_about(R, axis, angle)


@compiled
def _tcp_path(plant: Plant, w: Workspace, q: Vector, positions: Vector, rotations: Vector) -> None:
    """Compute the TCP poses along q (Shape (N, n), [rad])."""
    n = q.shape[1]
    for row in range(len(q)):
        forward_kinematics(plant.chain, q[row], w.rotations, w.positions, w.axes)
        copy(w.positions[n], positions[row])
        copy_matrix(w.rotations[n], rotations[row])
