# SPDX-License-Identifier: Apache-2.0
"""The judge measures coverage as gym-pusht does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.robots.pusht.geometry import GOAL, Array
from vera_ros.robots.pusht.judge import CoverageJudge, coverage
from vera_ros.robots.pusht.library import PushTEnv
from vera_ros.robots.pusht.world import PushTWorld

offsets = st.tuples(st.floats(-40, 40), st.floats(-40, 40), st.floats(-3, 3)).map(np.array)


@settings(max_examples=30, deadline=None)
@given(offsets)
def test_coverage_is_the_librarys(offset: Array) -> None:
    environment = PushTEnv()
    environment.reset(options={"reset_to_state": [460.0, 460.0, *(GOAL + offset)]})
    block = np.array([*environment.block.position, environment.block.angle])
    *_, info = environment.step(np.array(environment.agent.position))
    assert coverage(block) == pytest.approx(info["coverage"], abs=1e-6)


@given(offsets)
def test_coverage_is_whole_at_the_goal_alone(offset: Array) -> None:
    assert coverage(GOAL) == pytest.approx(1.0)
    if np.abs(offset).max() > 0.1:
        assert 0.0 <= coverage(GOAL + offset) < 0.999


@pytest.mark.parametrize(("shift_px", "covered"), [(0.0, True), (5.0, True), (13.0, False)])
def test_success_needs_a_block_near_the_goal(shift_px: float, covered: bool) -> None:
    world = PushTWorld()
    world.place(np.array([480.0, 40.0]), GOAL + np.array([shift_px, 0, 0]))
    judge = CoverageJudge(world)
    assert judge.succeeded() is covered
    assert (judge.coverage() > 0.82) is covered
