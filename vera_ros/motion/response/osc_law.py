# SPDX-License-Identifier: Apache-2.0
"""One physics step of an arm under operational-space control, as in the training environment.

The law (O. Khatib, "A unified approach for motion and force control of robot manipulators", 1987,
with position and orientation decoupled as robosuite does it): with J the TCP's Jacobian, M the mass
matrix and Lambda = (J M^-1 J^T)^-1,

    tau = J^T [Lambda_p (kp e_p - kd v); Lambda_o (kp e_o - kd w)]
          + N^T M (kn (q0 - q) - dn dq) + bias

clipped to the torque limits. The arm moves as under MuJoCo's Euler integrator: with joint
damping, with dry friction as a soft constraint, and with the drag of the air on every body's
equivalent inertia box (MuJoCo documentation, "Computation": friction loss, passive forces).
"""

import numpy as np

from vera_ros.motion.kinematics.chain import forward_kinematics, point_jacobian
from vera_ros.motion.kinematics.jit import compiled
from vera_ros.motion.kinematics.vec3 import Vector, cholesky, cholesky_solve
from vera_ros.motion.response.osc_plant import Plant, Workspace
from vera_ros.motion.response.rigid_bodies import air_drag, dynamics

# MuJoCo's defaults for a constraint's softness: solref 0.02 s, 1; solimp 0.9, 0.95.
_FRICTION_RATE = 2.0 / (0.95 * 0.02)  # rate at which friction brings a joint to rest [1/s]
FRICTION_SOFTNESS = (1.0 - 0.9) / 0.9  # times the inverse inertia
_FRICTION_SWEEPS = 12


@compiled
def step(
    plant: Plant,
    w: Workspace,
    q: Vector,
    dq: Vector,
    goal_position: Vector,
    goal_rotation: Vector,
    dt: float,
) -> bool:
    """Advance q and dq (Shape (n,), [rad, rad/s]) by one step of `dt`, in place.

    Args:
        plant: the arm and its controller.
        w: work arrays; on return, kinematics are those of `q` on entry.
        q: joint positions.
        dq: joint velocities.
        goal_position: of the TCP, base frame. Shape (3,), [m].
        goal_rotation: of the TCP, base frame. Shape (3, 3).
        dt: the step [s].

    Returns:
        False if the arm is in a singular posture; q and dq are then unchanged.
    """
    n = len(q)
    forward_kinematics(plant.chain, q, w.rotations, w.positions, w.axes)
    point_jacobian(w.positions, w.axes, plant.chain.turns, w.J)
    dynamics(plant, w, dq)
    air_drag(plant, w, dq)
    if not _invert(w.M, w.M_inverse):
        return False
    command = np.empty(n)
    if not _command(plant, w, q, dq, goal_position, goal_rotation, command):
        return False
    force = np.empty(n)
    for i in range(n):
        torque = w.bias[i]
        for j in range(n):
            torque += w.M[i, j] * command[j]
        limit = plant.torque_limit[i]
        torque = min(max(torque, -limit), limit)
        force[i] = torque - w.bias[i] - plant.damping[i] * dq[i] + w.drag[i]
    ddq = _with_friction(plant, w.M_inverse, force, dq)
    # The damping acts at the step's end: (M + dt D) ddq' = M ddq, to first order in dt.
    for i in range(n):
        change = 0.0
        for j in range(n):
            change += w.M_inverse[i, j] * plant.damping[j] * ddq[j]
        dq[i] += dt * (ddq[i] - dt * change)
        q[i] += dt * dq[i]
    return True


@compiled
def _command(
    plant: Plant,
    w: Workspace,
    q: Vector,
    dq: Vector,
    goal_position: Vector,
    goal_rotation: Vector,
    command: Vector,
) -> bool:
    """Compute the accelerations of the control law, before torques are clipped; False: singular."""
    n = len(q)
    kd, null_space_kd = 2.0 * np.sqrt(plant.kp), 2.0 * np.sqrt(plant.null_space_kp)
    task, of_posture = np.empty(6), np.zeros(6)
    _pose_error(w.positions[n], w.rotations[n], goal_position, goal_rotation, task)
    for i in range(n):
        command[i] = plant.null_space_kp * (plant.posture[i] - q[i]) - null_space_kd * dq[i]
    for r in range(6):
        velocity = 0.0
        for j in range(n):
            velocity += w.J[r, j] * dq[j]
            of_posture[r] += w.J[r, j] * command[j]
        task[r] = plant.kp * task[r] - kd * velocity
    back = np.zeros((n, 6))  # M^-1 J^T
    for i in range(n):
        for r in range(6):
            for j in range(n):
                back[i, r] += w.M_inverse[i, j] * w.J[r, j]
    mobility, linear, angular = np.zeros((6, 6)), np.empty((3, 3)), np.empty((3, 3))
    for r in range(6):
        for c in range(r + 1):
            for j in range(n):
                mobility[r, c] += w.J[r, j] * back[j, c]
    for r in range(3):
        for c in range(r + 1):
            linear[r, c], angular[r, c] = mobility[r, c], mobility[r + 3, c + 3]
    if not (cholesky(linear) and cholesky(angular) and cholesky(mobility)):
        return False
    cholesky_solve(linear, task[:3])
    cholesky_solve(angular, task[3:])
    cholesky_solve(mobility, of_posture)
    for i in range(n):
        for r in range(6):
            command[i] += back[i, r] * (task[r] - of_posture[r])
    return True


@compiled
def _pose_error(
    position: Vector, rotation: Vector, goal_position: Vector, goal_rotation: Vector, error: Vector
) -> None:
    """Compute goal minus pose; the rotation as half the sum of the axes' cross products."""
    for r in range(3):
        error[r] = goal_position[r] - position[r]
        error[r + 3] = 0.0
    for axis in range(3):
        for r in range(3):
            a, b = (r + 1) % 3, (r + 2) % 3
            error[r + 3] += 0.5 * (
                rotation[a, axis] * goal_rotation[b, axis]
                - rotation[b, axis] * goal_rotation[a, axis]
            )


@compiled
def _invert(M: Vector, inverse: Vector) -> bool:
    n = len(M)
    L = M.copy()
    if not cholesky(L):
        return False
    for j in range(n):
        for i in range(n):
            inverse[j, i] = 1.0 if i == j else 0.0
        cholesky_solve(L, inverse[j])
    return True


@compiled
def _with_friction(plant: Plant, M_inverse: Vector, force: Vector, dq: Vector) -> Vector:
    """Return accelerations under `force` and dry friction, by projected Gauss-Seidel sweeps."""
    n = len(force)
    ddq, friction = np.zeros(n), np.zeros(n)
    for i in range(n):
        for j in range(n):
            ddq[i] += M_inverse[i, j] * force[j]
    for _ in range(_FRICTION_SWEEPS):
        largest = 0.0
        for j in range(n):
            softness = plant.friction_softness[j]
            residual = ddq[j] + _FRICTION_RATE * dq[j] + softness * friction[j]
            bound = plant.friction_loss[j]
            new = friction[j] - residual / (M_inverse[j, j] + softness)
            new = min(max(new, -bound), bound)
            change = new - friction[j]
            if change != 0.0:
                friction[j] = new
                largest = max(largest, abs(change))
                for i in range(n):
                    ddq[i] += M_inverse[i, j] * change
        if largest < 1e-9:
            break
    return ddq
