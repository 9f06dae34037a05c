# SPDX-License-Identifier: Apache-2.0
"""Limit margins of the traces' plans, and the simulated arm's tracking error on them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vera_ros.errors import MissingDependencyError
from vera_ros.motion.causes import MotionRefusedError
from verification.bench.motion.traces import Traces
from verification.judge.bounds import TrajectoryBounds
from verification.judge.checker import Checker
from verification.judge.played import state_at
from verification.rig import ARM_JOINTS, BASE_FRAME, TCP_FRAME, URDF, Rig, Vector

# The manufacturer's Cartesian limits: speed, acceleration, jerk [m or rad per s, s^2, s^3].
PANDA_TCP_LINEAR = (1.7, 13.0, 6500.0)
PANDA_TCP_ANGULAR = (2.5, 25.0, 12500.0)
_SETTLE_S = 0.1
_FINGER_M = 0.04
_CORNERS = ((0.3, -0.3), (0.3, 0.3))  # of the table, where the cubes do not obstruct the arm


@dataclass(frozen=True)
class Planned:
    """Plan of a chunk that passed the gate."""

    q0: Vector
    trajectory: Any
    stretch: float


@dataclass(frozen=True)
class PlanReport:
    """Results of the traces' chunks, of which P were planned.

    Attributes:
        actions: number of actions per chunk.
        stretch: planned over nominal duration. Shape (P,).
        shares: largest share of each rate limit that each plan uses. Shape (P,) each.
        refused: number of refused chunks, by cause.
        violations: violations that the independent checker found, as text.
        tracking_m: largest distance of the simulated TCP from each plan; None: MuJoCo is not
            installed. Shape (P,), [m].
    """

    actions: int
    stretch: Vector
    shares: dict[str, Vector]
    refused: dict[str, int]
    violations: list[str]
    tracking_m: Vector | None

    def numbers(self) -> dict[str, object]:
        """Return the results for the JSON file."""
        played = None
        if self.tracking_m is not None and len(self.tracking_m):
            played = {
                "mean_mm": float(self.tracking_m.mean()) * 1e3,
                "max_mm": float(self.tracking_m.max()) * 1e3,
            }
        return {
            "actions": self.actions,
            "plans": len(self.stretch),
            "refused": self.refused,
            "violations": self.violations,
            "stretch_median": float(np.median(self.stretch)) if len(self.stretch) else None,
            "stretch_max": float(self.stretch.max()) if len(self.stretch) else None,
            "largest_share_of_limit": {
                name: float(values.max()) for name, values in self.shares.items() if len(values)
            },
            "simulated_arm_from_plan": played,
        }


def measure(rig: Rig, traces: Traces, actions: int) -> PlanReport:
    """Plan the first `actions` actions of every trace; check and simulate the plans."""
    refused: Counter[str] = Counter()
    planned = list(_plans(rig, traces, actions, refused))
    checker = Checker(URDF.read_text(), ARM_JOINTS, BASE_FRAME, TCP_FRAME)
    bounds = TrajectoryBounds.of(rig.limits)
    whole = replace(bounds, tcp_linear=PANDA_TCP_LINEAR, tcp_angular=PANDA_TCP_ANGULAR)
    rows = [checker.shares(plan.trajectory, whole) for plan in planned]
    violations = [text for plan in planned for text in checker.violations(plan.trajectory, bounds)]
    try:
        tracking = np.array([_play(rig, checker, plan) for plan in planned])
    except MissingDependencyError:
        tracking = None
    return PlanReport(
        actions,
        np.array([plan.stretch for plan in planned]),
        {name: np.array([row[name] for row in rows]) for name in (rows[0] if rows else ())},
        dict(refused),
        violations,
        tracking,
    )


def _plans(rig: Rig, traces: Traces, actions: int, refused: Counter[str]) -> Iterator[Planned]:
    for run, q0 in enumerate(traces.q0):
        try:
            plan = rig.plan(q0, traces.deltas(run)[:actions])
            trajectory = plan.trajectory()
            rig.check(trajectory, q0)
        except MotionRefusedError as refusal:
            refused[refusal.cause.name.lower()] += 1
            continue
        yield Planned(q0, trajectory, plan.time_stretch)


def _play(rig: Rig, checker: Checker, plan: Planned) -> float:
    """Play a plan on the simulated arm; return the TCP's largest distance from it [m]."""
    from vera_ros.robots.stacking.scene import BASE, CUBE_HALF_SIZE_M, GRIP_SITE, TABLE_TOP_Z_M
    from vera_ros.robots.stacking.world import World
    from vera_ros.sim.follower import TrajectoryFollower
    from vera_ros.sim.trajectory import TrajectoryPoints

    world = World()
    for (cube, half_m), (x, y) in zip(CUBE_HALF_SIZE_M.items(), _CORNERS, strict=True):
        world.place_cube(cube, [x, y, TABLE_TOP_Z_M + half_m])
    follower = TrajectoryFollower(ARM_JOINTS, world.arm().q, open_loop=True, period_s=world.step_s)

    def play(trajectory: Any) -> tuple[Vector, Vector]:
        start_s = world.time_s
        points = TrajectoryPoints(trajectory.times_s, trajectory.q, trajectory.dq, trajectory.ddq)
        follower.accept(ARM_JOINTS, points, 0, round(start_s * 1e9))
        times, tips = [], []
        while world.time_s - start_s < trajectory.times_s[-1] + _SETTLE_S:
            state = world.arm()
            target = follower.update(round(world.time_s * 1e9), state.q, state.dq)
            world.step(target.q, target.dq, _FINGER_M, target.ddq)
            times.append(world.time_s - start_s)
            tips.append(world.pose(GRIP_SITE, BASE).position)
        return np.array(times), np.array(tips)

    play(rig.plan_move(world.arm().q, plan.q0).trajectory())
    times, tips = play(plan.trajectory)
    wanted, _ = checker.tcp_poses(np.array([state_at(plan.trajectory, t)[0] for t in times]))
    return float(np.linalg.norm(tips - wanted, axis=1).max())
