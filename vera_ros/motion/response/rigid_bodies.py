# SPDX-License-Identifier: Apache-2.0
"""Forces on the bodies of the training environment's arm: inertia, gravity, the drag of the air."""

import numpy as np

from vera_ros.motion.kinematics.jit import compiled
from vera_ros.motion.kinematics.vec3 import (
    Triple,
    Vector,
    cross,
    dot,
    minus,
    multiply,
    plus,
    rotate,
    times,
    triple,
)
from vera_ros.motion.response.osc_plant import Plant, Workspace

_GRAVITY_M_S2 = 9.81


@compiled
def dynamics(plant: Plant, w: Workspace, dq: Vector) -> None:
    """Compute mass matrix and bias forces from the kinematics in `w`; gravity points along -z.

    Recursive Newton-Euler and composite-rigid-body algorithms, in the base frame (R. Featherstone,
    "Rigid Body Dynamics Algorithms", 2008, chapters 5 and 6). Fills `w.M` and `w.bias`.
    """
    n = len(dq)
    com, inertia = np.empty((n, 3)), np.empty((n, 3, 3))
    forces, moments = np.empty((n, 3)), np.empty((n, 3))  # of each link, about its centre of mass
    half = np.empty((3, 3))
    omega, alpha = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    rate = (0.0, 0.0, _GRAVITY_M_S2)  # gravity as an acceleration of the base
    for j in range(n):
        R, axis = w.rotations[j], triple(w.axes[j])
        lever = rotate(R, triple(plant.com[j]))
        multiply(R, plant.inertia[j], half)
        for r in range(3):
            com[j, r] = w.positions[j, r] + lever[r]
            for c in range(3):
                inertia[j, r, c] = (
                    half[r, 0] * R[c, 0] + half[r, 1] * R[c, 1] + half[r, 2] * R[c, 2]
                )
        if j > 0:
            between = minus(triple(w.positions[j]), triple(w.positions[j - 1]))
            rate = plus(rate, _point_rate(omega, alpha, between))
        alpha = plus(alpha, times(dq[j], cross(omega, axis)))
        omega = plus(omega, times(dq[j], axis))
        force = times(plant.mass[j], plus(rate, _point_rate(omega, alpha, lever)))
        spin = rotate(inertia[j], omega)
        moment = plus(rotate(inertia[j], alpha), cross(omega, spin))
        for r in range(3):
            forces[j, r], moments[j, r] = force[r], moment[r]
    mass, centre, whole = 0.0, (0.0, 0.0, 0.0), np.zeros((3, 3))
    push, torque = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)  # of all links from j on, about j's origin
    for j in range(n - 1, -1, -1):
        here, axis, link_com = triple(w.positions[j]), triple(w.axes[j]), triple(com[j])
        if j < n - 1:
            torque = plus(torque, cross(minus(triple(w.positions[j + 1]), here), push))
        force = triple(forces[j])
        push = plus(push, force)
        torque = plus(torque, triple(moments[j]))
        torque = plus(torque, cross(minus(link_com, here), force))
        w.bias[j] = dot(axis, torque)
        together = mass + plant.mass[j]
        middle = times(1.0 / together, plus(times(mass, centre), times(plant.mass[j], link_com)))
        _shift_inertia(whole, mass, minus(centre, middle))
        _shift_inertia(whole, plant.mass[j], minus(link_com, middle))
        for r in range(3):
            for c in range(3):
                whole[r, c] += inertia[j, r, c]
        mass, centre = together, middle
        pull = times(mass, cross(axis, minus(centre, here)))
        spin = rotate(whole, axis)
        for i in range(j + 1):
            about = plus(spin, cross(minus(centre, triple(w.positions[i])), pull))
            w.M[i, j] = w.M[j, i] = dot(triple(w.axes[i]), about)
        w.M[j, j] += plant.armature[j]


@compiled
def air_drag(plant: Plant, w: Workspace, dq: Vector) -> None:
    """Compute the joint torques of air drag, from the kinematics in `w`. Fills `w.drag`."""
    n = len(dq)
    forces, torques = np.zeros((n, 3)), np.zeros((n, 3))  # on each link, about its joint
    axes = np.empty((3, 3))
    omega, velocity = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    body = 0
    for j in range(n):
        if j > 0:
            between = minus(triple(w.positions[j]), triple(w.positions[j - 1]))
            velocity = plus(velocity, cross(omega, between))
        omega = plus(omega, times(dq[j], triple(w.axes[j])))
        while body < len(plant.body_link) and plant.body_link[body] == j:
            multiply(w.rotations[j], plant.body_axes[body], axes)
            lever = rotate(w.rotations[j], triple(plant.body_com[body]))
            speed = plus(velocity, cross(omega, lever))
            drag, viscosity = plant.body_drag[body], plant.body_viscosity[body]
            force, torque = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
            for a in range(3):
                axis = (axes[0, a], axes[1, a], axes[2, a])
                about, along = dot(axis, omega), dot(axis, speed)
                torque = minus(torque, times((drag[a] * abs(about) + viscosity[0]) * about, axis))
                force = minus(force, times((drag[a + 3] * abs(along) + viscosity[1]) * along, axis))
            torque = plus(torque, cross(lever, force))
            for r in range(3):
                forces[j, r] += force[r]
                torques[j, r] += torque[r]
            body += 1
    force, torque = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    for j in range(n - 1, -1, -1):
        if j < n - 1:
            between = minus(triple(w.positions[j + 1]), triple(w.positions[j]))
            torque = plus(torque, cross(between, force))
        force, torque = plus(force, triple(forces[j])), plus(torque, triple(torques[j]))
        w.drag[j] = dot(triple(w.axes[j]), torque)


@compiled
def _point_rate(omega: Triple, alpha: Triple, r: Triple) -> Triple:
    """Return the acceleration at `r` of a turning body: alpha x r + omega x (omega x r)."""
    return plus(cross(alpha, r), cross(omega, cross(omega, r)))


@compiled
def _shift_inertia(inertia: Vector, mass: float, d: Triple) -> None:
    """Add the inertia of a point mass at distance d (parallel axis theorem), in place."""
    square = dot(d, d)
    for r in range(3):
        for c in range(3):
            inertia[r, c] -= mass * d[r] * d[c]
        inertia[r, r] += mass * square
