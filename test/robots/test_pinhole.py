# SPDX-License-Identifier: Apache-2.0
"""Projection, its derivative and its inverse belong together."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.robots.mimicgen import CAMERAS
from vera_ros.robots.pinhole import Pose, View, intersect
from vera_ros.robots.stacking.policy.cameras import view_of

TCP = Pose.from_quaternion([0.45, 0.0, 0.12], [1.0, 0.0, 0.0, 0.0])  # a hand that points down
points = st.tuples(st.floats(0.4, 0.7), st.floats(-0.2, 0.2), st.floats(-0.112, 0.0)).map(np.array)
views = st.sampled_from([*CAMERAS])


def view_from(key: str) -> View:
    return view_of(CAMERAS[key], TCP, 128, 128)


@given(point=points, key=views)
def test_a_pixels_ray_meets_its_point(point: Any, key: str) -> None:
    view = view_from(key)
    back = view.to_plane(view.project(point[None])[0], float(point[2]))
    assert back is not None
    np.testing.assert_allclose(back, point, atol=1e-9)


@given(point=points)
def test_the_rays_of_both_views_meet_at_the_point(point: Any) -> None:
    looks = [view_from(key) for key in CAMERAS]
    rays = [view.ray(view.project(point[None])[0]) for view in looks]
    np.testing.assert_allclose(intersect(rays), point, atol=1e-9)


@given(point=points, key=views)
def test_project_motion_is_the_derivative_of_project(point: Any, key: str) -> None:
    view, step = view_from(key), 1e-6
    motions = np.eye(3)[:, None]
    numeric = [
        (view.project(point[None] + step * m) - view.project(point[None] - step * m)) / (2 * step)
        for m in motions
    ]
    np.testing.assert_allclose(
        view.project_motion(point[None], motions), numeric, rtol=1e-5, atol=1e-3
    )


def test_the_agent_view_stands_in_front_and_sees_right_as_left() -> None:
    """The camera faces the robot, so the robot's left (+y) is at the picture's right."""
    view = view_from("agentview_image")
    left, right = view.project(np.array([[0.56, 0.1, -0.1], [0.56, -0.1, -0.1]]))
    assert left[0] > 64 > right[0]


def test_a_camera_does_not_face_what_is_behind_it() -> None:
    view = view_from("agentview_image")
    ahead, behind = [0.56, 0.0, -0.1], [2.0, 0.0, 1.0]
    assert view.faces(np.array([ahead]))
    assert not view.faces(np.array([ahead, behind]))
    assert np.isfinite(view.project(np.array([ahead, behind]))).all()


def test_no_point_of_a_plane_is_seen_above_the_horizon() -> None:
    view = view_from("agentview_image")
    assert view.to_plane(np.array([64.0, 0.0]), 10.0) is None


def test_poses_compose() -> None:
    identity = Pose.from_quaternion([0, 0, 0], [0, 0, 0, 1])
    assert (TCP @ identity).position == pytest.approx(TCP.position)
