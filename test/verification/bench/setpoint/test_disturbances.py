# SPDX-License-Identifier: Apache-2.0
"""Whatever clocks, joint states and networks do, the set-point stays smooth, or nothing moves."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vera_ros.motion.chunk import Measured
from verification.bench.__main__ import main
from verification.bench.setpoint.arm_side import ArmSide
from verification.bench.setpoint.disturbances import DISTURBANCES
from verification.bench.setpoint.trial import MAX_ACCELERATION_SHARE, MAX_VELOCITY_SHARE
from verification.bench.setpoint.world import World
from verification.rig import START_Q, Rig, Vector, make_rig

RUNS = {"outliers": 2, "late": 24}
DOWN = np.tile([0.0, 0.0, -0.02, 0.0, 0.0, 0.0], (10, 1))
SIDEWAYS = np.tile([0.03, 0.02, 0.0, 0.0, 0.0, 0.05], (20, 1))
STILL = np.zeros((8, 6))


@pytest.fixture(scope="module")
def rig() -> Rig:
    return make_rig()


@pytest.fixture
def side(rig: Rig) -> ArmSide:
    side = ArmSide(rig, START_Q, World())
    side.run(0.2)
    return side


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_every_disturbance_leaves_the_set_point_within_its_limits(rig: Rig, kind: str) -> None:
    for number in range(RUNS.get(kind, 12)):
        trial = DISTURBANCES[kind](rig, np.random.default_rng([7, number]))
        assert not trial.complaints, (kind, number)
        if kind != "late":
            assert trial.velocity <= MAX_VELOCITY_SHARE
        if kind not in ("late", "joins"):
            assert trial.acceleration <= MAX_ACCELERATION_SHARE


def test_a_chunk_that_asks_for_nothing_is_not_sent_and_the_next_one_is(side: ArmSide) -> None:
    assert side.play(STILL) is None
    side.run(0.2)
    assert not side.controller.sent_s
    assert side.play(DOWN) is None
    assert side.run_until_rest()
    assert len(side.controller.sent_s) == 1
    assert side.trace.shares() <= (MAX_VELOCITY_SHARE, MAX_ACCELERATION_SHARE)
    assert np.abs(side.trace.commands[-1] - START_Q).max() > 0.05


def test_where_nothing_was_sent_a_stop_sends_nothing(side: ArmSide) -> None:
    side.play(STILL)
    side.run(0.1)
    side.stop()
    assert side.run_until_rest()
    assert not side.controller.sent_s


def test_every_hold_ends_a_motion_soon(rig: Rig) -> None:
    """A stop was not found where the plan used its limits up: the arm went on to the plan's end."""
    for number in range(60):
        rng = np.random.default_rng([11, number])
        side = ArmSide(rig, START_Q, World())
        side.run(0.2)
        deltas = np.zeros((10, 6))
        deltas[:, :3], deltas[:, 5] = rng.uniform(-0.04, 0.04, 3), rng.uniform(-0.1, 0.1)
        side.play(deltas)
        side.run(rng.uniform(0.4, 1.0))
        side.play(-deltas)
        side.run(rng.uniform(0.06, 0.5))
        side.hold()
        side.run(0.3)
        assert not side.trace.moves(), number
        assert not side.log.calls("warned")


def test_a_late_stop_is_counted_and_the_lead_follows(rig: Rig) -> None:
    late = [False]
    side = ArmSide(rig, START_Q, World(delay_s=lambda _: 0.1 if late[0] else 0.002))
    side.run(0.2)
    side.play(DOWN)
    side.run(0.7)
    late[0] = True
    side.stop()
    late[0] = False
    side.run(0.4)
    assert side.lead.late == 1
    assert side.lead.value_s > 0.05
    assert any("past its lead" in what for _, what in side.log.calls("warned"))


@pytest.mark.parametrize("velocity", [0.0, 1.0])
def test_joint_states_that_freeze_show_no_late_trajectory(rig: Rig, velocity: float) -> None:
    """A stop that the controller had taken up was sent again, from where it did not play."""
    frozen: list[Vector] = []

    def freeze(sample: Measured, _: float) -> Measured:
        return replace(sample, q=frozen[0], dq=velocity * sample.dq) if frozen else sample

    side = ArmSide(rig, START_Q, World(corrupt=freeze))
    side.run(0.2)
    side.play(DOWN)
    side.run(0.7)
    side.play(-DOWN)
    side.run(0.03)
    frozen.append(side.trace.commands[-1])
    side.run(0.3)
    assert not side.log.calls("warned")


def test_an_arm_whose_encoder_slips_while_it_rests_starts_gently(rig: Rig) -> None:
    slip = [0.0]
    side = ArmSide(
        rig, START_Q, World(corrupt=lambda sample, _: replace(sample, q=sample.q + slip[0]))
    )
    side.run(0.2)
    side.play(DOWN)
    assert side.run_until_rest()
    slip[0] = 0.02
    side.run(0.5)
    side.play(DOWN)
    assert side.run_until_rest()
    assert side.trace.shares() <= (MAX_VELOCITY_SHARE, MAX_ACCELERATION_SHARE)


def test_the_benchmark_prints_and_writes_every_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "setpoint.json"
    assert main(["setpoint", "--runs", "1", "--processes", "1", "--json", str(file)]) == 0
    kinds = json.loads(file.read_text())["kinds"]
    assert list(kinds) == list(DISTURBANCES)
    assert {numbers["runs"] for numbers in kinds.values()} == {1}
    table = capsys.readouterr().out
    assert all(kind in table for kind in DISTURBANCES)


def test_a_seed_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setpoint", "--seed", "-1"]) == 2
    assert "--seed is -1" in capsys.readouterr().err


def test_an_arm_that_plays_what_came_late_moves_again(rig: Rig) -> None:
    """The hand-over came late, and its stop after it was over: the arm rests at another end."""
    for late_s in (0.25, 0.3, 0.35, 0.4, 0.5):
        late = [False]
        delay = lambda _, late=late, late_s=late_s: late_s if late[0] else 0.002  # noqa: E731
        side = ArmSide(rig, START_Q, World(delay_s=delay))
        side.run(0.2)
        side.play(2 * DOWN)
        side.run(0.5)
        late[0] = True
        side.play(SIDEWAYS)
        side.run(late_s + 0.15)
        late[0] = False
        side.run_until_rest()
        assert side.lead.late
        side.run(31.0)  # until that lateness is forgotten
        refusal = side.play(DOWN)
        assert refusal is None, (late_s, str(refusal))
        from_s = side.now_s
        assert side.run_until_rest()
        assert not [
            at
            for at in side.trace.steps_s(MAX_VELOCITY_SHARE, MAX_ACCELERATION_SHARE)
            if at > from_s
        ]
