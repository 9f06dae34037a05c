# SPDX-License-Identifier: Apache-2.0
"""Converts moves to a chunk of commands, with a simple model of the arm's response.

A damped arm covers only a part of the commanded distance during one command, and drifts on when the
commands end. The total is simple, though: at rest the arm has moved by a fixed part (the gain) of
the sum of the commands. So a move is a profile of commands with the right sum, and it tapers off,
so that little drift remains at its end.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from vera_ros.robots.pinhole import Array, Pose

OPEN, CLOSE = -1.0, 1.0
_NEGLIGIBLE = 0.02  # of a full command: a smaller move is left out


@dataclass(frozen=True)
class Response:
    """How far an arm moves for commands, and the profile of a move.

    Attributes:
        unit_m: what a translation command of 1.0 stands for.
        unit_rad: what a rotation command of 1.0 stands for.
        translation_gain: part of the summed commands (x, y, z) that it has moved once at rest.
        rotation_gain: the same for the rotation.
        start: factors of the first commands of a move, ...
        stop: ... and of its last ones.
    """

    unit_m: float
    unit_rad: float
    translation_gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    rotation_gain: float = 1.0
    start: tuple[float, ...] = ()
    stop: tuple[float, ...] = ()


@dataclass(frozen=True)
class Move:
    """A straight move of the TCP.

    Attributes:
        target: where it ends, base frame.
        limit: the largest translation command, in (0, 1]; that of the rotation is in proportion.
        gripper: OPEN or CLOSE, during the move.
        turns_fully: whether the move lasts until the hand has turned; otherwise it lasts as long as
            the translation, and the hand turns as far as it can meanwhile.
    """

    target: Pose
    limit: float
    gripper: float
    turns_fully: bool = True


@dataclass(frozen=True)
class Grip:
    """Opening or closing the gripper for a number of steps, the arm at rest."""

    steps: int
    gripper: float


Leg = Move | Grip


@dataclass(frozen=True)
class Chunk:
    """A chunk of commands and what it should lead to.

    Attributes:
        commands: Shape (H, 7), [-1, 1]: translation, rotation (axis-angle), gripper; base frame.
        end: the TCP once the arm is at rest.
    """

    commands: Array
    end: Pose


def write_chunk(
    legs: Iterable[Leg], tcp: Pose, gripper: float, horizon: int, response: Response,
    rotation_limit: float,
) -> Chunk:  # fmt: skip
    """Return the first `horizon` steps of the legs, from a TCP at rest at `tcp`.

    A move that does not fit is cut short and still ends gently; steps that are left over hold the
    pose with the last gripper command (`gripper`: the one before the chunk). `rotation_limit` is
    the largest rotation command of a move whose translation limit is 1.
    """
    commands = np.zeros((horizon, 7))
    used = 0
    for leg in legs:
        if used == horizon:
            break
        gripper = leg.gripper
        if isinstance(leg, Grip):
            steps = min(leg.steps, horizon - used)
        else:
            move = _commands(leg, tcp, horizon - used, response, rotation_limit)
            steps = len(move)
            commands[used : used + steps, :6] = move
            tcp = answer(tcp, move.sum(axis=0), response)
        commands[used : used + steps, 6] = gripper
        used += steps
    commands[used:, 6] = gripper
    return Chunk(commands, tcp)


def _commands(
    move: Move, tcp: Pose, most_steps: int, response: Response, rotation_limit: float
) -> Array:
    """Return the commands of a move, Shape (steps, 6): as few steps as the limits allow."""
    translation = (move.target.position - tcp.position) / _metres(response)
    rotation = _turn(tcp, move.target) / _radians(response)
    travel, turn = np.abs(translation).max(), np.abs(rotation).max()
    if travel < _NEGLIGIBLE and (turn < _NEGLIGIBLE or not move.turns_fully):
        return np.zeros((0, 6))
    needs = [travel / move.limit, turn / (rotation_limit * move.limit)]
    need = max(needs) if move.turns_fully else needs[0]
    steps = 1
    while steps < most_steps and _profile(steps, response).sum() < need:
        steps += 1
    profile = _profile(steps, response)
    parts = profile.sum() / np.maximum(needs, profile.sum())
    total = np.concatenate([parts[0] * translation, parts[1] * rotation])
    commands: Array = np.outer(profile / profile.sum(), total)
    return commands


def _turn(start: Pose, end: Pose) -> Array:
    """Return the rotation vector from one orientation to another, base frame, Shape (3,), [rad]."""
    turn: Array = Rotation.from_matrix(end.rotation @ start.rotation.T).as_rotvec()
    return turn


def _profile(steps: int, response: Response) -> Array:
    profile = np.ones(steps)
    for i, factor in enumerate(response.start[:steps]):
        profile[i] = min(profile[i], factor)
    for i, factor in enumerate(response.stop[::-1][:steps]):
        profile[-1 - i] = min(profile[-1 - i], factor)
    return profile


def answer(tcp: Pose, commands: Array, response: Response) -> Pose:
    """Return where the TCP comes to rest after commands with this sum, Shape (6,), [-1, 1] each."""
    turn = Rotation.from_rotvec(commands[3:] * _radians(response)).as_matrix()
    return Pose(tcp.position + commands[:3] * _metres(response), turn @ tcp.rotation)


def _metres(response: Response) -> Array:
    return response.unit_m * np.array(response.translation_gain)


def _radians(response: Response) -> float:
    return response.unit_rad * response.rotation_gain
