# SPDX-License-Identifier: Apache-2.0
"""When a chunk begins, and what of it, told from its time and the present."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk import CLOCK_STEP_S, ChunkRequest, Measured

from .conftest import refusal_of

NOW_S, DT_S, ROWS = 1.7e9, 0.05, 10
TINY_S = 1e-4


def chunk(start_s: float | None) -> ChunkRequest:
    """Rows that are told apart by their numbers."""
    deltas = np.tile(np.arange(float(ROWS))[:, None], 6)
    return ChunkRequest(deltas, np.arange(ROWS) % 2 == 0, DT_S, "a", 0, start_s)


@given(lead_s=st.floats(-1.0, 1.0), hand_over_s=st.sampled_from([0.0, 0.05, 0.12]))
def test_what_is_left_of_a_chunk_keeps_its_times(lead_s: float, hand_over_s: float) -> None:
    start_s, soonest_s = NOW_S + lead_s, NOW_S + hand_over_s
    answers: list[tuple[ChunkRequest, float, float]] = []
    refusal = refusal_of(lambda: answers.append(chunk(start_s).due(NOW_S, soonest_s)))
    if refusal is not None:
        assert refusal.cause is Cause.CHUNK_TOO_OLD
        assert start_s + (ROWS - 1) * DT_S < soonest_s + TINY_S
        return
    ((rest, present_s, wait_s),) = answers
    begins_s = present_s + wait_s
    np.testing.assert_array_equal(rest.actions[:, 0], np.arange(rest.dropped, ROWS))
    assert len(rest.close) == ROWS
    assert begins_s == pytest.approx(start_s + rest.dropped * DT_S, abs=1e-5)
    assert rest.start_s == pytest.approx(begins_s, abs=1e-5)
    if lead_s < -CLOCK_STEP_S:
        assert -TINY_S <= begins_s - soonest_s <= DT_S + TINY_S
    else:
        assert rest.dropped == 0
        assert present_s == (start_s if lead_s <= CLOCK_STEP_S else NOW_S)


def test_a_chunk_without_a_time_is_due_as_it_is() -> None:
    given_chunk = chunk(None)
    assert given_chunk.due(NOW_S, NOW_S + 1.0) == (given_chunk, NOW_S, 0.0)
    assert given_chunk.from_time(NOW_S) is given_chunk


@given(lead_s=st.floats(-0.4, 0.4))
def test_from_a_time_on_nothing_begins_sooner(lead_s: float) -> None:
    rest = chunk(NOW_S + lead_s).from_time(NOW_S)
    assert rest.start_s is not None
    assert rest.start_s >= NOW_S - TINY_S
    assert rest.start_s == pytest.approx(NOW_S + lead_s + rest.dropped * DT_S, abs=1e-5)
    assert (rest.dropped > 0) == (lead_s < -TINY_S) or abs(lead_s) <= TINY_S


@pytest.mark.parametrize("lead_s", [10.1, np.inf, -np.inf, np.nan])
def test_a_time_that_makes_no_sense_is_refused(lead_s: float) -> None:
    with pytest.raises(MotionRefusedError, match="valid is up to 10"):
        chunk(NOW_S + lead_s).due(NOW_S, NOW_S)


@pytest.mark.parametrize(("dq", "speed"), [([0.1, -0.3, 0.2], 0.3), ([], 0.0)])
def test_the_speed_is_the_fastest_joints(dq: list[float], speed: float) -> None:
    assert Measured(np.zeros(3), np.array(dq), None, 0.0, 0.0).speed_rad_s == speed


def test_a_joint_that_slides_is_measured_in_metres() -> None:
    """Messages about a planar robot spoke of radians."""
    measured = Measured(np.zeros(3), np.array([0.1, -0.3, 0.2]), None, 0.0, 0.0, frozenset({1}))
    assert [measured.unit(joint) for joint in range(3)] == ["rad", "m", "rad"]
    assert measured.speed == "0.300 m/s"
    assert Measured(np.zeros(1), np.ones(1), None, 0.0, 0.0).speed == "1.000 rad/s"
