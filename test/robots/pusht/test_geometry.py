# SPDX-License-Identifier: Apache-2.0
"""The shapes are those of gym-pusht, and distances to them are right."""

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.robots.pusht.geometry import (
    CENTRE,
    GOAL,
    OUTLINE,
    PUSHER_RADIUS_PX,
    SIDE_PX,
    Array,
    distances,
    place,
)
from vera_ros.robots.pusht.library import PushTEnv

from .scenes import blocks, pushers


def test_the_shapes_are_those_of_the_library() -> None:
    environment = PushTEnv()
    environment.reset(seed=0)
    parts = [shapely.Polygon(shape.get_vertices()) for shape in environment.block.shapes]
    assert shapely.Polygon(OUTLINE).equals(shapely.union_all(parts))
    assert next(iter(environment.agent.shapes)).radius == PUSHER_RADIUS_PX
    assert environment.goal_pose.tolist() == GOAL.tolist()
    assert environment.action_space.high.tolist() == [SIDE_PX, SIDE_PX]


def test_the_centre_is_that_of_the_area() -> None:
    np.testing.assert_allclose(
        CENTRE, shapely.get_coordinates(shapely.Polygon(OUTLINE).centroid)[0]
    )


@given(blocks)
def test_a_block_is_placed_where_the_physics_has_it(block: Array) -> None:
    body = PushTEnv.get_goal_pose_body(block)
    placed = [tuple(body.local_to_world(tuple(corner))) for corner in OUTLINE]
    np.testing.assert_allclose(place(OUTLINE, block), placed, atol=1e-9)


@given(blocks, st.lists(pushers, min_size=1, max_size=8).map(np.array))
def test_distances_are_those_to_the_polygon(block: Array, points: Array) -> None:
    polygon = shapely.Polygon(place(OUTLINE, block))
    outside = shapely.distance(polygon, shapely.points(points))
    found = distances(points, block)
    np.testing.assert_allclose(np.maximum(found, 0.0), outside, atol=1e-6)
    inside = shapely.contains_properly(polygon.buffer(-1e-6), shapely.points(points))
    assert (found[inside] <= 0).all()
