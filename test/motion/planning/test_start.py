# SPDX-License-Identifier: Apache-2.0
"""What a chunk begins from is exactly what the arm does then."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vera_ros.motion.planning.chunk_planner import ChunkPlanner
from vera_ros.motion.planning.plan import Plan
from vera_ros.motion.planning.planner import Planner
from vera_ros.motion.planning.start import hold, in_motion, remainder

from ..chunks import CONTROL_DT_S, POLICY_LIKE, START_Q


@pytest.fixture(scope="module")
def running(chunk_planner: ChunkPlanner) -> Plan:
    return chunk_planner.plan_chunk(POLICY_LIKE, CONTROL_DT_S, chunk_planner.from_rest(START_Q))


@given(a=st.floats(0.0, 1.0), b=st.floats(0.0, 1.0))
def test_a_remainder_is_the_plan(running: Plan, a: float, b: float) -> None:
    begin, end = (share * running.duration_s for share in sorted((a, b)))
    part = remainder(running, begin, end)
    if part is None:
        assert end - begin < 1e-5
        return
    assume(end - begin > 1e-3)
    assert part.duration_s == pytest.approx(end - begin)
    for late in np.linspace(0.0, end - begin, 7):
        for one, other, most in zip(
            part.state(late), running.spline.state(begin + late), (1e-9, 1e-7, 1e-5), strict=True
        ):
            np.testing.assert_allclose(one, other, atol=most)


@given(share=st.floats(0.0, 1.2), lead_s=st.floats(0.0, 0.2))
def test_taking_over_in_motion_begins_with_the_plans_state(
    running: Plan, share: float, lead_s: float
) -> None:
    assert running.chunk is not None
    time_s = share * running.duration_s
    start = in_motion(running, time_s, lead_s)
    assert (start is None) == (
        float(running.chunk.timing.nominal(time_s + lead_s)) > running.chunk.until_s
    )
    if start is None:
        return
    for begin, due in zip(
        (start.q, start.dq, start.ddq), running.spline.state(time_s + lead_s), strict=True
    ):
        np.testing.assert_array_equal(begin, due)
    assert start.lead_s == pytest.approx(lead_s, abs=1e-6)
    assert start.offset is running.chunk.offset
    assert start.rate == pytest.approx(running.chunk.timing.rate(time_s + lead_s))


def test_nothing_takes_over_before_a_chunk_begins_or_from_what_is_none(
    chunk_planner: ChunkPlanner, planner: Planner
) -> None:
    waiting = chunk_planner.plan_chunk(
        POLICY_LIKE, CONTROL_DT_S, chunk_planner.from_rest(START_Q, None, 0.5)
    )
    assert in_motion(waiting, 0.1, 0.1) is None
    assert in_motion(waiting, 0.4, 0.2) is not None
    assert in_motion(planner.plan_move(START_Q, START_Q + 0.1, 0.5), 0.1, 0.1) is None


@pytest.mark.parametrize("duration_s", [0.0, 5e-324, 1e-12, 6e-8])
def test_holding_for_no_time_is_nothing(duration_s: float) -> None:
    """A hold of a nanosecond made a trajectory of petabytes."""
    assert hold(START_Q, duration_s) is None
    assert hold(START_Q, 0.1) is not None
