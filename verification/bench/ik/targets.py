# SPDX-License-Identifier: Apache-2.0
"""Chunks of target poses for the IK comparison."""

from dataclasses import dataclass

import numpy as np
import pinocchio as pin

from verification.rig import CONTROL_DT_S, START_Q, Rig, Vector

STEPS = 10
STEP_M, STEP_RAD = 0.012, 0.1  # largest step of the TCP per action, as with OSC_POSE
_OUTWARD_STEP_M = 0.025
_START_SPREAD_RAD = 0.1
_STRETCHED = np.array([0.0, 0.6, 0.0, -0.9, 0.0, 2.2, 0.785])  # close to the reach


@dataclass(frozen=True)
class Chunk:
    """Sequence of TCP poses in the base frame.

    Attributes:
        q0: joint positions before the first step. Shape (7,), [rad].
        positions: Shape (S, 3), [m].
        rotations: Shape (S, 3, 3).
    """

    q0: Vector
    positions: Vector
    rotations: Vector


def pose_walks(rig: Rig, count: int, rng: np.random.Generator) -> list[Chunk]:
    """Draw random walks of the TCP around the start posture.

    Each step moves 6 to 12 mm in a random direction and turns by 0.05 to 0.1 rad about a random
    axis, so some steps have no solution within the joint limits.
    """
    return [_pose_walk(rig, rng) for _ in range(count)]


def joint_walks(rig: Rig, count: int, rng: np.random.Generator) -> list[Chunk]:
    """Draw TCP poses from random walks of the joints, so that every step has a solution.

    The walks keep joint and velocity limits, and their directions are correlated; each step moves
    the TCP by at most 12 mm and 0.1 rad.
    """
    return [_joint_walk(rig, rng) for _ in range(count)]


def out_of_reach_lines(rig: Rig, count: int, rng: np.random.Generator) -> list[Chunk]:
    """Draw straight lines, 25 mm per step, from a stretched arm to poses out of its reach."""
    chunks = []
    for _ in range(count):
        q = _STRETCHED + rng.uniform(-0.5, 0.5, 7) * _START_SPREAD_RAD
        position, rotation = rig.tcp(q)
        outward = position - np.array([0.0, 0.0, 0.333])  # from the shoulder
        outward = outward / np.linalg.norm(outward) + rng.normal(0.0, 0.15, 3)
        outward /= np.linalg.norm(outward)
        along = np.arange(1, STEPS + 1)[:, None] * _OUTWARD_STEP_M * outward
        chunks.append(Chunk(q, position + along, np.tile(rotation, (STEPS, 1, 1))))
    return chunks


def _pose_walk(rig: Rig, rng: np.random.Generator) -> Chunk:
    q0 = START_Q + rng.uniform(-1.0, 1.0, 7) * _START_SPREAD_RAD
    position, rotation = rig.tcp(q0)
    positions, rotations = [], []
    for _ in range(STEPS):
        position = position + rng.uniform(0.5, 1.0) * STEP_M * _unit(rng)
        rotation = pin.exp3(rng.uniform(0.5, 1.0) * STEP_RAD * _unit(rng)) @ rotation
        positions.append(position)
        rotations.append(rotation)
    return Chunk(q0, np.array(positions), np.array(rotations))


def _unit(rng: np.random.Generator) -> Vector:
    direction = rng.standard_normal(3)
    return np.asarray(direction / np.linalg.norm(direction))


def _joint_walk(rig: Rig, rng: np.random.Generator) -> Chunk:
    q0 = q = START_Q + rng.uniform(-1.0, 1.0, 7) * _START_SPREAD_RAD
    direction = rng.standard_normal(7)
    positions, rotations = [], []
    for _ in range(STEPS):
        direction = 0.8 * direction + 0.6 * rng.standard_normal(7)
        q = _step(rig, q, direction, rng.uniform(0.5, 1.0))
        position, rotation = rig.tcp(q)
        positions.append(position)
        rotations.append(rotation)
    return Chunk(q0, np.array(positions), np.array(rotations))


def _step(rig: Rig, q: Vector, direction: Vector, share: float) -> Vector:
    """Move along a joint direction by `share` of the largest allowed step; return the new q."""
    twist = rig.arm.jacobians(q[None])[0] @ direction
    scale = share * min(
        STEP_M / np.linalg.norm(twist[:3]),
        STEP_RAD / np.linalg.norm(twist[3:]),
        float(np.min(rig.arm.velocity_limit * CONTROL_DT_S / np.abs(direction))),
    )
    return np.asarray(np.clip(q + scale * direction, rig.limits.lower, rig.limits.upper))


def angles(rotations: Vector, others: Vector) -> Vector:
    """Return the angles (Shape (N,), [rad]) between rotation matrices (Shape (N, 3, 3))."""
    relative = np.swapaxes(rotations, 1, 2) @ others
    skew = relative - np.swapaxes(relative, 1, 2)
    sine = 0.5 * np.linalg.norm(skew[:, [2, 0, 1], [1, 2, 0]], axis=1)
    cosine = 0.5 * (np.trace(relative, axis1=1, axis2=2) - 1.0)
    return np.asarray(np.arctan2(sine, cosine))
