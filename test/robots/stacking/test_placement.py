# SPDX-License-Identifier: Apache-2.0
"""Placements: from the seed alone, within reach, apart from each other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.robots.stacking.arms.simulated_arm import START_POSTURE_RAD
from vera_ros.robots.stacking.placement import draw_placement
from vera_ros.robots.stacking.scene import GREEN_CUBE, RED_CUBE

seeds = st.integers(0, 2**63 - 1)


@given(seeds)
def test_the_seed_decides_everything(seed: int) -> None:
    a, b = draw_placement(seed), draw_placement(seed)
    np.testing.assert_array_equal(a.arm_q, b.arm_q)
    for cube in (RED_CUBE, GREEN_CUBE):
        np.testing.assert_array_equal(a.cubes[cube], b.cubes[cube])


@given(seeds)
def test_cubes_lie_within_reach_and_apart(seed: int) -> None:
    placement = draw_placement(seed)
    red, green = placement.cubes[RED_CUBE], placement.cubes[GREEN_CUBE]
    assert np.abs([red[:2], green[:2]]).max() <= 0.08
    assert np.linalg.norm(red[:2] - green[:2]) >= 0.0636
    assert np.abs(placement.arm_q - START_POSTURE_RAD).max() < 0.2


def test_seeds_differ() -> None:
    assert len({tuple(draw_placement(seed).cubes[RED_CUBE]) for seed in range(20)}) == 20
