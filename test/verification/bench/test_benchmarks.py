# SPDX-License-Identifier: Apache-2.0
"""Small runs of the benchmarks `motion` and `gate`: results, exit codes, JSON files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from verification.bench.__main__ import main
from verification.bench.gate import benchmark as gate
from verification.bench.gate.rounds import Chunk
from verification.bench.ik.search import has_solution
from verification.bench.ik.targets import joint_walks, out_of_reach_lines
from verification.bench.motion.planning_time import there_and_back
from verification.rig import START_Q, make_rig


@pytest.fixture(scope="module")
def motion(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    pytest.importorskip("mujoco")
    file = tmp_path_factory.mktemp("bench") / "motion.json"
    assert main(["motion", "--runs", "2", "--ik-chunks", "4", "--json", str(file)]) == 0
    numbers: dict[str, Any] = json.loads(file.read_text())
    return numbers


def test_motion_measures_every_kind(motion: dict[str, Any]) -> None:
    kinds = {row["kind"]: row["after_actions"] for row in motion["response"]}
    assert set(kinds) == {"mimicgen", "mimicgen_small", "mixed", "constant", "stop"}
    for after in kinds.values():
        assert set(after) == {"10", "20", "40"}
        assert 0 < after["10"]["position_mean_mm"] <= 1.0
        assert after["40"]["position_mean_mm"] <= 3.0


def test_motion_compares_ik_solvers_and_lists_missing_ones(motion: dict[str, Any]) -> None:
    assert set(motion["ik"]) == {"pose_walk", "joint_walk", "out_of_reach"}
    walk = motion["ik"]["joint_walk"]
    assert walk["solvable_steps"] == walk["steps"] == 40
    assert walk["solvers"]["vera_ros"]["solvable_within_1mm_1mrad"] == 1.0
    assert len(walk["solvers"]) + len(motion["ik_missing"]) == 3
    for line in motion["ik_missing"]:
        assert "pip install" in line


def test_motion_times_every_length(motion: dict[str, Any]) -> None:
    rows = motion["planning_time"]
    assert (rows[0]["actions"], rows[-1]["actions"]) == (1, 64)
    for row in rows:
        if row["chunks"]:
            parts = sum(row["parts_median_ms"].values())
            assert parts == pytest.approx(row["median_ms"], rel=0.3)


def test_the_simulated_arm_stays_on_the_plan(motion: dict[str, Any]) -> None:
    plans = motion["plans"]
    assert plans["violations"] == []
    assert plans["plans"] == 2
    assert plans["simulated_arm_from_plan"]["max_mm"] < 5.0
    assert all(share <= 1.002 for share in plans["largest_share_of_limit"].values())


def test_gate_counts_every_chunk(tmp_path: Path) -> None:
    file = tmp_path / "gate.json"
    code = main(["gate", "--chunks", "60", "--processes", "1", "--json", str(file)])
    numbers = json.loads(file.read_text())
    whole = numbers["all"]
    assert code == (0 if whole["violations"] == whole["unexpected"] == 0 else 1)
    assert whole["violations"] == 0
    assert numbers["chunks"] == whole["chunks"] == 60
    answered = whole["played"] + sum(whole["refused"].values()) + whole["unexpected"]
    assert answered == 60


@pytest.mark.parametrize("chunks", [1, 7, 250])
def test_a_block_holds_exactly_its_chunks_and_is_the_same_again(chunks: int) -> None:
    first, again = (list(gate.rounds(3, 5, chunks)) for _ in range(2))
    sent = sum(isinstance(event, Chunk) for round_ in first for event in round_.events)
    assert sent == chunks
    assert [round_.kind for round_ in first] == [round_.kind for round_ in again]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.q, other.q)


@pytest.mark.parametrize(
    "arguments",
    [
        ["motion", "--traces", "/no/such/file.npz"],
        ["gate", "--seed", "-1"],
        ["gate", "--json", "/no/such/folder/file.json"],
    ],
)
def test_bad_options_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "error:" in capsys.readouterr().err


def test_the_slow_search_knows_which_poses_are_reachable() -> None:
    rig, rng = make_rig(), np.random.default_rng(0)
    (walk,) = joint_walks(rig, 1, rng)
    assert has_solution(rig, walk.q0, walk.positions[-1], walk.rotations[-1], rng)
    (line,) = out_of_reach_lines(rig, 1, rng)
    assert not has_solution(rig, START_Q, line.positions[-1], line.rotations[-1], rng)


def test_actions_go_there_and_back() -> None:
    deltas = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(there_and_back(deltas, 2), deltas[:2])
    np.testing.assert_array_equal(there_and_back(deltas, 6).sum(axis=0), 0.0)
    assert there_and_back(deltas, 64).shape == (64, 2)
