# SPDX-License-Identifier: Apache-2.0
"""The response of an arm under operational-space control (robosuite's OSC_POSE) to pose deltas.

The law (O. Khatib, "A unified approach for motion and force control of robot manipulators", 1987,
with position and orientation decoupled as robosuite does it): with J the TCP's Jacobian, M the mass
matrix and Lambda = (J M^-1 J^T)^-1,

    tau = J^T [Lambda_p (kp e_p - kd v); Lambda_o (kp e_o - kd w)]
          + N^T M (kn (q0 - q) - dn dq) + bias

clipped to the torque limits. The goal is set anew at every action, from the pose achieved.
"""

import numpy as np
import pinocchio as pin
from scipy.linalg.lapack import dposv

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.osc_model import OscModel
from vera_ros.motion.response import Response, ResponseState, Vector

_STEP_S = 1.0 / 60.0  # longest integration step: 0.2 mm from 2 ms steps after 40 actions, mean
_FRICTION_SPEED = 0.02  # rad/s, over which dry friction builds up
# The tail may end when braking goes no further than the law would: v times 41 ms, 1 mm.
_REST_SPEED_M_S = 0.02
_REST_TURN_RAD_S = 0.1
_LONGEST_TAIL_S = 0.8


class OscPoseResponse:
    """Runs the control law on the training environment's arm."""

    def __init__(self, model: OscModel) -> None:
        self._model = model
        self._data = model.arm.createData()
        self._kd = 2.0 * np.sqrt(model.kp)
        self._null_space_kd = 2.0 * np.sqrt(model.null_space_kp)

    def respond(self, state: ResponseState, deltas: Vector, control_dt_s: float) -> Response:
        """Play `deltas` (Shape (H, 6), [m, rad], base frame) from `state` until it rests."""
        per_action = max(1, int(np.ceil(control_dt_s / _STEP_S - 1e-9)))
        dt = control_dt_s / per_action
        q, dq = state.q.copy(), state.dq.copy()
        tcp = self._tcp(q)
        rotation_goal = tcp.rotation if state.rotation_goal is None else state.rotation_goal
        samples, poses = [q], [tcp]
        tail = int(np.ceil(_LONGEST_TAIL_S / control_dt_s))
        for number in range(len(deltas) + tail):
            playing = number < len(deltas)
            if not playing and self._rests(q, dq):
                break
            delta = deltas[number] if playing else np.zeros(6)
            position_goal = tcp.translation + delta[:3]
            if delta[3:].any() or not self._model.zero_rotation_keeps_goal:
                rotation_goal = pin.exp3(delta[3:]) @ tcp.rotation
            for _ in range(per_action):
                q, dq = self._step(q, dq, position_goal, rotation_goal, dt)
                tcp = self._tcp(q)
                samples.append(q)
                poses.append(tcp)
        return Response(
            times_s=np.arange(float(len(samples))) * dt,
            tcp_position=np.array([pose.translation for pose in poses]),
            tcp_rotation=np.array([pose.rotation for pose in poses]),
            q=np.array(samples),
            step_ends=np.arange(1, len(deltas) + 1) * per_action,
            end=ResponseState(q, dq, rotation_goal),
        )

    def _tcp(self, q: Vector) -> pin.SE3:
        pin.forwardKinematics(self._model.arm, self._data, q)
        return pin.updateFramePlacement(self._model.arm, self._data, self._model.tcp).copy()

    def _rests(self, q: Vector, dq: Vector) -> bool:
        twist = self._jacobian(q) @ dq
        return bool(
            np.linalg.norm(twist[:3]) < _REST_SPEED_M_S
            and np.linalg.norm(twist[3:]) < _REST_TURN_RAD_S
        )

    def _jacobian(self, q: Vector) -> Vector:
        return pin.computeFrameJacobian(  # type: ignore[no-any-return]
            self._model.arm,
            self._data,
            q,
            self._model.tcp,
            pin.ReferenceFrame.LOCAL_WORLD_ALIGNED,
        )

    def _step(
        self, q: Vector, dq: Vector, position_goal: Vector, rotation_goal: Vector, dt: float
    ) -> tuple[Vector, Vector]:
        """One step of the explicit midpoint rule."""
        halfway_ddq = self._acceleration(q, dq, position_goal, rotation_goal)
        halfway_dq = dq + 0.5 * dt * halfway_ddq
        ddq = self._acceleration(q + 0.5 * dt * dq, halfway_dq, position_goal, rotation_goal)
        return q + dt * halfway_dq, dq + dt * ddq

    def _acceleration(
        self, q: Vector, dq: Vector, position_goal: Vector, rotation_goal: Vector
    ) -> Vector:
        """Joint accelerations under the control law. Shape (n,), [rad/s^2]."""
        model, data = self._model, self._data
        M_inv = pin.computeMinverse(model.arm, data, q)
        pin.computeJointJacobians(model.arm, data, q)
        tcp = pin.updateFramePlacement(model.arm, data, model.tcp)
        J = pin.getFrameJacobian(model.arm, data, model.tcp, pin.ReferenceFrame.LOCAL_WORLD_ALIGNED)

        error = np.empty(6)
        error[:3] = position_goal - tcp.translation
        error[3:] = _rotation_error(tcp.rotation, rotation_goal)
        task = model.kp * error - self._kd * (J @ dq)
        posture = model.null_space_kp * (model.posture - q) - self._null_space_kd * dq
        friction = model.damping * dq + model.friction_loss * np.tanh(dq / _FRICTION_SPEED)

        M_inv_JT = M_inv @ J.T
        mobility = J @ M_inv_JT  # the inverse of Lambda
        decoupled = mobility.copy()
        decoupled[:3, 3:] = decoupled[3:, :3] = 0.0
        # The second term is the null-space projection.
        wrench = _solve(decoupled, task) - _solve(mobility, J @ posture)
        ddq: Vector = posture + M_inv_JT @ wrench

        torque = pin.rnea(model.arm, data, q, dq, ddq)
        if (np.abs(torque) > model.torque_limit).any():
            clipped = np.clip(torque, -model.torque_limit, model.torque_limit)
            ddq += M_inv @ (clipped - torque)
        return np.asarray(ddq - M_inv @ friction)


def _solve(A: Vector, b: Vector) -> Vector:
    """Solve A x = b for a symmetric positive definite A (its upper triangle counts)."""
    x: Vector
    _, x, info = dposv(A, b)
    if info != 0:
        raise MotionRefusedError(
            Cause.UNREACHABLE,
            "the motion leads through a singular posture of the modelled arm; nothing is published",
        )
    return x


def _rotation_error(rotation: Vector, goal: Vector) -> Vector:
    """Half the sum of the cross products of present and goal axes. Shape (3,), [rad] when small."""
    S = (goal @ rotation.T).ravel()
    return np.asarray(0.5 * (S[[7, 2, 3]] - S[[5, 6, 1]]))
