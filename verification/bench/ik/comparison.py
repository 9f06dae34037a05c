# SPDX-License-Identifier: Apache-2.0
"""IK comparison with mink and pink: the same chunks, solved in turns in the same run."""

import time
from dataclasses import dataclass, field

import numpy as np

from verification.bench.ik.search import has_solution
from verification.bench.ik.solvers import Solver, VeraRosIk, installed_solvers
from verification.bench.ik.targets import Chunk, angles, joint_walks, out_of_reach_lines, pose_walks
from verification.rig import CONTROL_DT_S, Rig, Vector

_WITHIN_M, _WITHIN_RAD = 1e-3, 1e-3


@dataclass
class SolverResult:
    """Times and errors of one solver on one set of chunks.

    Attributes:
        solver: name of the solver.
        chunk_s: computing time of each chunk.
        position_m: position error of each step.
        rotation_rad: rotation error of each step.
        joint_step: largest joint motion of each step, as a multiple of dq_max * CONTROL_DT_S.
        reported_solved: whether the solver reports each step as solved; empty: it has no report.
    """

    solver: str
    chunk_s: list[float] = field(default_factory=list)
    position_m: list[float] = field(default_factory=list)
    rotation_rad: list[float] = field(default_factory=list)
    joint_step: list[float] = field(default_factory=list)
    reported_solved: list[bool] = field(default_factory=list)

    def within(self) -> list[bool]:
        """Return for each step whether its error is at most 1 mm and 1 mrad."""
        return [
            p <= _WITHIN_M and r <= _WITHIN_RAD
            for p, r in zip(self.position_m, self.rotation_rad, strict=True)
        ]

    def numbers(self, ours: "SolverResult", solvable: Vector) -> dict[str, float | int | None]:
        """Return the results for the JSON file.

        Args:
            ours: result of vera_ros; time ratios are this solver's time over that, chunk by chunk.
            solvable: whether each step has a solution. Shape (S,), bool.
        """
        within = np.array(self.within())
        ratio = np.array(self.chunk_s) / np.array(ours.chunk_s)
        wrong = np.sum(np.array(self.reported_solved) & ~within) if self.reported_solved else None
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
class Comparison:
    """Results of all solvers on one set of chunks.

    Attributes:
        name: name of the set.
        results: one per solver, vera_ros first.
        solvable: whether each step has a solution that a solver found, or a slow search (not used
            for steps out of reach). Shape (S,), bool.
    """

    name: str
    results: list[SolverResult]
    solvable: Vector

    def numbers(self) -> dict[str, object]:
        """Return the results for the JSON file."""
        return {
            "chunks": len(self.results[0].chunk_s),
            "steps": len(self.solvable),
            "solvable_steps": int(self.solvable.sum()),
            "solvers": {
                result.solver: result.numbers(self.results[0], self.solvable)
                for result in self.results
            },
        }


def compare(rig: Rig, count: int, seed: int) -> tuple[list[Comparison], list[str]]:
    """Compare the solvers on `count` chunks per set, a quarter of that for the set out of reach.

    Returns:
        The comparisons, and how to install the solvers that are missing.
    """
    rng = np.random.default_rng(seed)
    others, missing = installed_solvers()
    solvers = [VeraRosIk(rig), *others]
    sets = (
        ("pose walk", pose_walks(rig, count, rng)),
        ("joint walk", joint_walks(rig, count, rng)),
        ("out of reach", out_of_reach_lines(rig, max(1, count // 4), rng)),
    )
    comparisons = []
    for name, chunks in sets:
        if name == "out of reach":  # limit each joint's step to its velocity
            solvers[0] = VeraRosIk(rig, rig.limits.rates.joints[0] * CONTROL_DT_S)
        results = _run_set(rig, solvers, chunks)
        reached = np.any([result.within() for result in results], axis=0)
        if name != "out of reach":
            reached |= _search(rig, chunks, ~reached, rng)
        comparisons.append(Comparison(name, results, reached))
    return comparisons, missing


def _search(rig: Rig, chunks: list[Chunk], wanted: Vector, rng: np.random.Generator) -> Vector:
    """Return which of the `wanted` steps a slow search solves. Shape (S,), bool."""
    poses = [
        (chunk.q0, position, rotation)
        for chunk in chunks
        for position, rotation in zip(chunk.positions, chunk.rotations, strict=True)
    ]
    return np.array(
        [want and has_solution(rig, *pose, rng) for want, pose in zip(wanted, poses, strict=True)],
        dtype=bool,
    )


def _run_set(rig: Rig, solvers: list[Solver], chunks: list[Chunk]) -> list[SolverResult]:
    for solver in solvers:
        _solve_chunk(solver, chunks[0])  # warm-up: JIT compilation and lazy set-up are not timed
    results = [SolverResult(solver.name) for solver in solvers]
    for chunk in chunks:
        for solver, result in zip(solvers, results, strict=True):
            duration_s, q, solved = _solve_chunk(solver, chunk)
            result.chunk_s.append(duration_s)
            result.reported_solved += solved
            _score(rig, result, chunk, q)
    return results


def _solve_chunk(solver: Solver, chunk: Chunk) -> tuple[float, Vector, list[bool]]:
    path, solved = [], []
    solver.start(chunk.q0)
    begin = time.perf_counter()
    for position, rotation in zip(chunk.positions, chunk.rotations, strict=True):
        path.append(solver.solve(position, rotation))
        if isinstance(solver, VeraRosIk):
            solved.append(solver.solved)
    return time.perf_counter() - begin, np.array(path), solved


def _score(rig: Rig, result: SolverResult, chunk: Chunk, q: Vector) -> None:
    reached = [rig.tcp(posture) for posture in q]
    positions = np.array([position for position, _ in reached])
    rotations = np.array([rotation for _, rotation in reached])
    result.position_m += np.linalg.norm(positions - chunk.positions, axis=1).tolist()
    result.rotation_rad += angles(rotations, chunk.rotations).tolist()
    steps = np.abs(np.diff(np.vstack((chunk.q0, q)), axis=0))
    result.joint_step += (steps / (rig.arm.velocity_limit * CONTROL_DT_S)).max(axis=1).tolist()
