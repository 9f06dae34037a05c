# SPDX-License-Identifier: Apache-2.0
"""The pusher's ways go around the block, and there is one wherever there can be."""

from itertools import pairwise

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vera_ros.robots.pusht.geometry import PUSHER_RADIUS_PX, Array, distances, place
from vera_ros.robots.pusht.roadmap import CLEARANCE_PX, Roadmap, within_reach

from .scenes import blocks, is_clear, scenes

# Ways keep their clearance as a square does, farther from corners than from sides.
MARGIN_PX = np.sqrt(2) * CLEARANCE_PX - PUSHER_RADIUS_PX
targets = st.tuples(st.floats(20, 490), st.floats(20, 490)).map(np.array)
amid = st.tuples(st.floats(195, 315), st.floats(195, 315), st.floats(-4, 4)).map(np.array)


def along(points: Array) -> Array:
    """Return points a pixel apart on the line through points."""
    parts = []
    for start, end in pairwise(points):
        share = np.linspace(0, 1, 2 + int(np.linalg.norm(end - start)))[:, None]
        parts.append(start + share * (end - start))
    return np.vstack(parts)


@settings(deadline=None)
@given(scenes, targets)
def test_a_way_touches_nothing(scene: tuple[Array, Array], target: Array) -> None:
    pusher, block = scene
    assume(is_clear(pusher, block, MARGIN_PX))
    roadmap = Roadmap(pusher, block)
    assume(roadmap.reaches(target[None])[0])
    way = np.vstack((pusher, roadmap.way(target)))
    np.testing.assert_array_equal(way[-1], target)
    assert distances(along(way), block).min() > PUSHER_RADIUS_PX
    assert within_reach(way).all()


@settings(deadline=None)
@given(targets, amid, targets)
def test_there_is_a_way_around_a_block_away_from_the_walls(
    pusher: Array, block: Array, target: Array
) -> None:
    assume(is_clear(target, block, MARGIN_PX))
    assert Roadmap(pusher, block).reaches(target[None]).all()


@settings(deadline=None)
@given(amid)
def test_there_is_no_way_into_the_block_or_out_of_reach(block: Array) -> None:
    roadmap = Roadmap(np.array([30.0, 30.0]), block)
    [inside] = place(np.array([[0.0, 15.0]]), block)
    assert not roadmap.reaches(np.array([inside, [256.0, 511.0]])).any()


@settings(deadline=None)
@given(blocks, st.floats(-50, 50))
def test_a_pusher_at_the_block_draws_back_from_it_first(block: Array, along_px: float) -> None:
    """It stands at the bar's free side, as after a push."""
    at_block = np.array([[along_px, -PUSHER_RADIUS_PX - 1.0], [along_px, -100.0]])
    pusher, target = place(at_block, block)
    assume(within_reach(np.array([pusher, target])).all())
    way = Roadmap(pusher, block).way(target)
    np.testing.assert_array_equal(way[-1], target)
    travelled = distances(along(np.vstack((pusher, way))), block)
    assert (np.diff(travelled) > -1e-6).all()
