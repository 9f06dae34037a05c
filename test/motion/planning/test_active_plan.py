# SPDX-License-Identifier: Apache-2.0
"""What a plan in play says of its steps, its end and the arm that plays it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.planning.active_plan import Playing
from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.planner import Planner

from ..chunks import ACTION_SCALE, START_Q, Vector, vectors

DELTAS = np.tile([0.4, 0.0, 0.2, 0.0, 0.0, 0.2], (6, 1)) * ACTION_SCALE


@pytest.fixture(scope="module")
def playing(chunk_planner: ChunkPlanner) -> Playing:
    plan = chunk_planner.plan_chunk(DELTAS, 0.05, chunk_planner.from_rest(START_Q))
    return Playing(plan, 100.0, "session", 3)


def test_steps_are_played_one_by_one(playing: Playing) -> None:
    times = playing.start_s + playing.plan.step_times_s
    assert playing.steps_played(playing.start_s - 1.0) == 0
    assert playing.steps_played(playing.start_s) == 0
    for number, time_s in enumerate(times):
        assert playing.steps_played(time_s - 1e-6) == number
        assert playing.steps_played(time_s + 1e-6) == number + 1
    assert playing.steps_played(playing.start_s + 1e6) == len(DELTAS)


def test_it_is_finished_when_the_arm_rests(playing: Playing) -> None:
    end_s = playing.start_s + playing.plan.duration_s
    assert not playing.finished(end_s - 1e-6)
    assert playing.finished(end_s + 1e-6)
    assert playing.plan.duration_s > playing.plan.step_times_s[-1]


@given(offset=vectors(-0.3, 0.3, 7), part=st.floats(-0.5, 2.0))
def test_tracking_error_is_the_worst_joint(playing: Playing, offset: Vector, part: float) -> None:
    stamp_s = playing.start_s + part * playing.plan.duration_s
    planned = playing.plan.spline.derivative(0, max(0.0, stamp_s - playing.start_s))
    error = playing.tracking_errors(planned + offset, stamp_s, 0.0).max()
    np.testing.assert_allclose(error, np.abs(offset).max(), atol=1e-9)


@given(part=st.floats(0.0, 1.5), late=st.floats(0.0, 1.0))
def test_an_arm_that_is_late_within_bounds_follows(
    playing: Playing, part: float, late: float
) -> None:
    stamp_s = playing.start_s + part * playing.plan.duration_s
    was = playing.plan.spline.derivative(0, max(0.0, stamp_s - 0.1 * late - playing.start_s))
    assert playing.tracking_errors(was, stamp_s, 0.1).max() < 2e-3


def test_a_stop_plays_no_steps(planner: Planner, playing: Playing) -> None:
    stop = Playing(planner.plan_stop(playing.plan, 0.2, 0.02), 100.2)
    assert stop.steps_played(200.0) == 0
