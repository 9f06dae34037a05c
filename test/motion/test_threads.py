# SPDX-License-Identifier: Apache-2.0
"""A chunk is planned in one thread while another looks after the arm, with the same models."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

from vera_ros.motion.collision.model import CollisionModel
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.planner import Planner
from vera_ros.motion.response.osc_pose import OscPoseResponse, OscState

from .chunks import CONTROL_DT_S, START_Q, Vector
from .conftest import JOINTS
from .dispatcher_rig import DOWN, TURN

ROUNDS = 8


@pytest.fixture
def busy_switching() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="module")
def collision(urdf: str) -> CollisionModel:
    return CollisionModel(
        urdf, JOINTS, self_distance_m=0.01, table_z_m=-0.112, table_distance_m=0.002
    )


def look(arm: ArmModel, collision: CollisionModel, postures: Vector) -> Vector:
    """Everything that is asked of the models by either thread. Shape (N, 11)."""
    return np.array(
        [
            (
                *arm.tcp_pose(q).translation,
                *arm.efforts(q, 0.1 * q),
                collision.clearance(q).distance_m,
            )
            for q in postures
        ]
    )


def plan(chunks: ChunkPlanner, deltas: Vector) -> Vector:
    plan = chunks.plan_chunk(deltas, CONTROL_DT_S, chunks.from_rest(START_Q))
    return plan.spline.derivative(0, np.linspace(0.0, plan.duration_s, 50))


def stop(chunks: ChunkPlanner, planner: Planner) -> Callable[[], Vector]:
    running = chunks.plan_chunk(TURN, CONTROL_DT_S, chunks.from_rest(START_Q))

    def plan_stop() -> Vector:
        stop = planner.plan_stop(running, 0.2, 0.025)
        return stop.spline.derivative(0, np.linspace(0.0, stop.duration_s, 50))

    return plan_stop


@pytest.mark.usefixtures("busy_switching")
def test_models_answer_two_threads_as_they_answer_one(
    arm: ArmModel, collision: CollisionModel, chunk_planner: ChunkPlanner, planner: Planner
) -> None:
    rng = np.random.default_rng(0)
    postures = START_Q + rng.uniform(-0.3, 0.3, (2, 40, 7))
    work: list[Callable[[], Vector]] = [
        *(partial(look, arm, collision, some) for some in postures),
        partial(plan, chunk_planner, DOWN),
        stop(chunk_planner, planner),
    ]
    expected = [do() for do in work]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda do: do(), work * ROUNDS))
    for number, answer in enumerate(answers):
        np.testing.assert_array_equal(answer, expected[number % len(work)])


def test_a_response_model_rolls_out_several_chunks_at_once(response: OscPoseResponse) -> None:
    state = OscState(START_Q, np.zeros(7))
    chunks = np.random.default_rng(0).normal(0.0, 0.01, (4, 10, 6))

    def roll_out(deltas: Vector) -> Vector:
        return np.asarray(response.respond(state, deltas, CONTROL_DT_S).q)

    expected = [roll_out(deltas) for deltas in chunks]
    with ThreadPoolExecutor(len(chunks)) as pool:
        answers = list(pool.map(roll_out, [*chunks] * ROUNDS))
    for number, answer in enumerate(answers):
        np.testing.assert_array_equal(answer, expected[number % len(chunks)])
