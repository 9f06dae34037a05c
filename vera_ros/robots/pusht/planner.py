# SPDX-License-Identifier: Apache-2.0
"""Chooses a push: samples pushes, simulates each, and takes the one that gains most in time."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from vera_ros.robots.pusht.geometry import GOAL, OUTLINE, Array, place
from vera_ros.robots.pusht.localisation import Sighting
from vera_ros.robots.pusht.roadmap import CLEARANCE_PX, Roadmap, within_reach
from vera_ros.robots.pusht.world import STEP_S, PushTWorld

CONTROL_DT_S = 0.1
_SUBSTEPS = round(CONTROL_DT_S / STEP_S)
_PUSHES = 70
_MOST_STEPS = 8  # of a push
_PUSH_PX = (5.0, 20.0)  # per step
_WAY_PX = 30.0  # per step on the way to a push
_SLANT_RAD = 0.6  # of a push to the edge's normal
_OVERHEAD_STEPS = 4  # of any push: the next one must get into place
_GOAL_CORNERS = place(OUTLINE, GOAL)


@dataclass(frozen=True)
class Plan:
    """Where the pusher is to be after each step.

    Attributes:
        way: up to the block. Shape (N, 2), [px].
        push: from there on. Shape (M, 2), [px].
        rate: by how much it shrinks the block's error per step, in the logarithm.
    """

    way: Array
    push: Array
    rate: float = 0.0

    @staticmethod
    def none() -> "Plan":
        """Return the plan to stay."""
        return Plan(np.empty((0, 2)), np.empty((0, 2)))

    @property
    def targets(self) -> Array:
        """Way and push."""
        return np.vstack((self.way, self.push))

    def after(self, steps: int) -> "Plan":
        """Return what is left of it after some steps."""
        return Plan(self.way[steps:], self.push[max(0, steps - len(self.way)) :])


class PushPlanner:
    """Plans with a world of its own: what it knows of the real one is what it is given."""

    def __init__(self) -> None:
        self._world = PushTWorld()
        self._rng = np.random.default_rng(0)

    def plan(self, now: Sighting, current: Plan) -> Plan:
        """Return the best of some random plans and of what is left of the current one."""
        best = self._rate(current, now)
        roadmap = Roadmap(now.pusher, now.block)
        starts, steps = _sample(now.block, self._rng)
        for start, step, reached in zip(starts, steps, roadmap.reaches(starts), strict=True):
            if reached:
                way = _divide(np.vstack((now.pusher, roadmap.way(start))))
                push = start + np.arange(1, _MOST_STEPS + 1)[:, None] * step
                push = push[np.logical_and.accumulate(within_reach(push))]
                best = max(best, self._rate(Plan(way, push), now), key=lambda plan: plan.rate)
        return best

    def predict(self, now: Sighting, targets: Array) -> Sighting:
        """Return what is seen after the pusher was at these targets, Shape (N, 2), a step each."""
        self._world.place(now.pusher, now.block)
        for target in targets:
            self._move_to(target)
        return Sighting(self._world.pusher, self._world.block)

    def _rate(self, plan: Plan, now: Sighting) -> Plan:
        """Return the plan with its rate, ended where that is highest."""
        world, before_px = self._world, error_px(now.block)
        world.place(plan.way[-1] if len(plan.way) else now.pusher, now.block)
        best = Plan.none()
        for count, target in enumerate(plan.push, start=1):
            self._move_to(target)
            gain = np.log(before_px / error_px(world.block))
            rate = float(gain / (_OVERHEAD_STEPS + len(plan.way) + count))
            if rate > best.rate:
                best = Plan(plan.way, plan.push[:count], rate)
        return best

    def _move_to(self, target: Array) -> None:
        velocity = (target - self._world.pusher) / CONTROL_DT_S
        for _ in range(_SUBSTEPS):
            self._world.step(velocity)


def error_px(block: Array) -> float:
    """Return the mean distance of the block's corners to where they are at the goal."""
    return float(np.linalg.norm(place(OUTLINE, block) - _GOAL_CORNERS, axis=1).mean())


def _sample(block: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return where random pushes begin, Shape (N, 2), and their motions per step, Shape (N, 2)."""
    corners = place(OUTLINE, block)
    edges = np.roll(corners, -1, axis=0) - corners
    lengths = np.linalg.norm(edges, axis=1)
    chosen = rng.choice(len(edges), _PUSHES, p=lengths / lengths.sum())
    along = edges[chosen] / lengths[chosen, None]
    inwards = along[:, ::-1] * (-1, 1)
    spots = corners[chosen] + rng.uniform(0, lengths[chosen])[:, None] * along
    slants = rng.uniform(-_SLANT_RAD, _SLANT_RAD, (_PUSHES, 1))
    directions = np.cos(slants) * inwards + np.sin(slants) * along
    return spots - CLEARANCE_PX * inwards, rng.uniform(*_PUSH_PX, (_PUSHES, 1)) * directions


def _divide(points: Array) -> Array:
    """Return positions after each step along the line through points, which it reaches each."""
    positions = [np.empty((0, 2))]
    for start, end in pairwise(points):
        count = int(np.ceil(np.linalg.norm(end - start) / _WAY_PX))
        positions.append(start + np.arange(1, count + 1)[:, None] / max(count, 1) * (end - start))
    return np.vstack(positions)
