# SPDX-License-Identifier: Apache-2.0
"""What a plan in play says of its steps, its end and the arm that plays it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.planner import Planner
from vera_ros.motion.playback import Playing

from .chunks import ACTION_SCALE, START_Q, Vector, vectors

DELTAS = np.tile([0.4, 0.0, 0.2, 0.0, 0.0, 0.2], (6, 1)) * ACTION_SCALE


def playing(planner: Planner, start_s: float = 100.0) -> Playing:
    return Playing(planner.plan_chunk(DELTAS, 0.05, START_Q, None), start_s, "session", 3)


def test_steps_are_played_one_by_one(planner: Planner) -> None:
    now = playing(planner)
    times = now.start_s + now.plan.step_times_s
    assert now.steps_played(now.start_s - 1.0) == 0
    assert now.steps_played(now.start_s) == 0
    for number, time_s in enumerate(times):
        assert now.steps_played(time_s - 1e-6) == number
        assert now.steps_played(time_s + 1e-6) == number + 1
    assert now.steps_played(now.start_s + 1e6) == len(DELTAS)


def test_it_is_finished_when_the_arm_rests(planner: Planner) -> None:
    now = playing(planner)
    end_s = now.start_s + now.plan.duration_s
    assert not now.finished(end_s - 1e-6)
    assert now.finished(end_s + 1e-6)
    assert now.plan.duration_s > now.plan.step_times_s[-1]


@given(offset=vectors(-0.3, 0.3, 7), part=st.floats(-0.5, 2.0))
def test_tracking_error_is_the_worst_joint(planner: Planner, offset: Vector, part: float) -> None:
    now = playing(planner)
    stamp_s = now.start_s + part * now.plan.duration_s
    planned = now.plan.spline.derivative(0, max(0.0, stamp_s - now.start_s))
    error = now.tracking_error(planned + offset, stamp_s)
    np.testing.assert_allclose(error, np.abs(offset).max(), atol=1e-9)


def test_a_stop_plays_no_steps(planner: Planner) -> None:
    running = playing(planner)
    stop = Playing(planner.plan_stop(running.plan, 0.2, 0.02), 100.2)
    assert stop.steps_played(200.0) == 0
