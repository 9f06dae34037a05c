# SPDX-License-Identifier: Apache-2.0
"""IK beside mink's and pink's usual recipes: the same chunks, taken in turns in the same run."""

import time
from dataclasses import dataclass, field

import numpy as np

from verification.bench.ik.rivals import Ours, Solver, rivals
from verification.bench.ik.search import has_solution
from verification.bench.ik.targets import Chunk, angles, joint_walks, leaving_chunks, pose_walks
from verification.rig import CONTROL_DT_S, Rig, Vector

_WITHIN_M, _WITHIN_RAD = 1e-3, 1e-3


@dataclass
class Lane:
    """What one solver did on one set of chunks.

    Attributes:
        solver: its name.
        chunk_s: time of each chunk.
        position_m: error of each step.
        rotation_rad: error of each step.
        joint_step: largest joint motion of each step, over what the joint may do in an action.
        claimed: whether the solver itself called the step solved; empty when it does not say.
    """

    solver: str
    chunk_s: list[float] = field(default_factory=list)
    position_m: list[float] = field(default_factory=list)
    rotation_rad: list[float] = field(default_factory=list)
    joint_step: list[float] = field(default_factory=list)
    claimed: list[bool] = field(default_factory=list)

    def within(self) -> list[bool]:
        """Per step, whether it ended within 1 mm and 1 mrad."""
        return [
            p <= _WITHIN_M and r <= _WITHIN_RAD
            for p, r in zip(self.position_m, self.rotation_rad, strict=True)
        ]

    def numbers(self, ours: "Lane", solvable: Vector) -> dict[str, float | int | None]:
        """What the JSON file says.

        Args:
            ours: our own lane; ratios are this solver's time over ours, chunk by chunk.
            solvable: whether each step has a solution. Shape (S,), bool.
        """
        within = np.array(self.within())
        ratio = np.array(self.chunk_s) / np.array(ours.chunk_s)
        wrong = np.sum(np.array(self.claimed) & ~within) if self.claimed else None
        position_mm = 1e3 * np.array(self.position_m)
        rotation_mrad = 1e3 * np.array(self.rotation_rad)
        return {
            "chunk_median_ms": float(np.median(self.chunk_s)) * 1e3,
            "chunk_p95_ms": float(np.percentile(self.chunk_s, 95)) * 1e3,
            "times_ours_median": float(np.median(ratio)),
            "times_ours_total": sum(self.chunk_s) / sum(ours.chunk_s),
            "solvable_within_1mm_1mrad": float(within[solvable].mean()) if solvable.any() else None,
            "position_median_mm": float(np.median(position_mm)),
            "position_p99_mm": float(np.percentile(position_mm, 99)),
            "rotation_median_mrad": float(np.median(rotation_mrad)),
            "rotation_p99_mrad": float(np.percentile(rotation_mrad, 99)),
            "largest_joint_step": max(self.joint_step),
            "wrongly_called_solved": None if wrong is None else int(wrong),
        }


@dataclass(frozen=True)
class Heat:
    """One set of chunks.

    Attributes:
        name: of the set.
        lanes: one for each solver, ours first.
        solvable: whether each step has a solution: a solver found it, or a search did (which is
            spared where steps leave the reach). Shape (S,), bool.
    """

    name: str
    lanes: list[Lane]
    solvable: Vector

    def numbers(self) -> dict[str, object]:
        """What the JSON file says."""
        return {
            "chunks": len(self.lanes[0].chunk_s),
            "steps": len(self.solvable),
            "solvable_steps": int(self.solvable.sum()),
            "solvers": {
                lane.solver: lane.numbers(self.lanes[0], self.solvable) for lane in self.lanes
            },
        }


def run(rig: Rig, count: int, seed: int) -> tuple[list[Heat], list[str]]:
    """Race over `count` chunks of each set, a quarter of that where they leave the reach.

    Returns:
        The heats, and how to get the rivals that are not installed.
    """
    rng = np.random.default_rng(seed)
    others, missing = rivals()
    solvers = [Ours(rig), *others]
    sets = (
        ("pose walk", pose_walks(rig, count, rng)),
        ("joint walk", joint_walks(rig, count, rng)),
        ("out of reach", leaving_chunks(rig, max(1, count // 4), rng)),
    )
    heats = []
    for name, chunks in sets:
        if name == "out of reach":  # there, no joint is to go further than it may
            solvers[0] = Ours(rig, rig.limits.rates.joints[0] * CONTROL_DT_S)
        lanes = _race(rig, solvers, chunks)
        reached = np.any([lane.within() for lane in lanes], axis=0)
        if name != "out of reach":
            reached |= _search(rig, chunks, ~reached, rng)
        heats.append(Heat(name, lanes, reached))
    return heats, missing


def _search(rig: Rig, chunks: list[Chunk], wanted: Vector, rng: np.random.Generator) -> Vector:
    """Which of the wanted steps a slow search reaches. Shape (S,), bool."""
    poses = [
        (chunk.q0, position, rotation)
        for chunk in chunks
        for position, rotation in zip(chunk.positions, chunk.rotations, strict=True)
    ]
    return np.array(
        [want and has_solution(rig, *pose, rng) for want, pose in zip(wanted, poses, strict=True)],
        dtype=bool,
    )


def _race(rig: Rig, solvers: list[Solver], chunks: list[Chunk]) -> list[Lane]:
    for solver in solvers:
        _play(solver, chunks[0])  # whatever is made at first use is made now
    lanes = [Lane(solver.name) for solver in solvers]
    for chunk in chunks:
        for solver, lane in zip(solvers, lanes, strict=True):
            duration_s, q, claims = _play(solver, chunk)
            lane.chunk_s.append(duration_s)
            lane.claimed += claims
            _score(rig, lane, chunk, q)
    return lanes


def _play(solver: Solver, chunk: Chunk) -> tuple[float, Vector, list[bool]]:
    path, claims = [], []
    solver.start(chunk.q0)
    begin = time.perf_counter()
    for position, rotation in zip(chunk.positions, chunk.rotations, strict=True):
        path.append(solver.solve(position, rotation))
        if isinstance(solver, Ours):
            claims.append(solver.says_solved)
    return time.perf_counter() - begin, np.array(path), claims


def _score(rig: Rig, lane: Lane, chunk: Chunk, q: Vector) -> None:
    reached = [rig.tcp(posture) for posture in q]
    positions = np.array([position for position, _ in reached])
    rotations = np.array([rotation for _, rotation in reached])
    lane.position_m += np.linalg.norm(positions - chunk.positions, axis=1).tolist()
    lane.rotation_rad += angles(rotations, chunk.rotations).tolist()
    steps = np.abs(np.diff(np.vstack((chunk.q0, q)), axis=0))
    lane.joint_step += (steps / (rig.arm.velocity_limit * CONTROL_DT_S)).max(axis=1).tolist()
