# SPDX-License-Identifier: Apache-2.0
"""Projection, its derivative and its inverse belong together."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.robots.stacking.policy.cameras import Pose, intersect

points = st.tuples(st.floats(0.4, 0.7), st.floats(-0.2, 0.2), st.floats(-0.112, 0.0)).map(np.array)
views = st.sampled_from(["agentview_image", "robot0_eye_in_hand_image"])


@given(point=points, key=views)
def test_a_pixels_ray_meets_its_point(studio: Any, start_tcp: Pose, point: Any, key: str) -> None:
    view = studio.view(key, start_tcp)
    back = view.to_plane(view.project(point[None])[0], float(point[2]))
    np.testing.assert_allclose(back, point, atol=1e-9)


@given(point=points)
def test_the_rays_of_both_views_meet_at_the_point(studio: Any, start_tcp: Pose, point: Any) -> None:
    looks = [studio.view(key, start_tcp) for key in studio.arm.cameras]
    rays = [view.ray(view.project(point[None])[0]) for view in looks]
    np.testing.assert_allclose(intersect(rays), point, atol=1e-9)


@given(point=points, key=views)
def test_project_motion_is_the_derivative_of_project(
    studio: Any, start_tcp: Pose, point: Any, key: str
) -> None:
    view, step = studio.view(key, start_tcp), 1e-6
    motions = np.eye(3)[:, None]
    numeric = [
        (view.project(point[None] + step * m) - view.project(point[None] - step * m)) / (2 * step)
        for m in motions
    ]
    np.testing.assert_allclose(
        view.project_motion(point[None], motions), numeric, rtol=1e-5, atol=1e-3
    )


def test_the_agent_view_stands_in_front_and_sees_right_as_left(
    studio: Any, start_tcp: Pose
) -> None:
    """The camera faces the robot, so the robot's left (+y) is at the picture's right."""
    view = studio.view("agentview_image", start_tcp)
    left, right = view.project(np.array([[0.56, 0.1, -0.1], [0.56, -0.1, -0.1]]))
    assert left[0] > 64 > right[0]


def test_a_camera_does_not_face_what_is_behind_it(studio: Any, start_tcp: Pose) -> None:
    view = studio.view("agentview_image", start_tcp)
    ahead, behind = [0.56, 0.0, -0.1], [2.0, 0.0, 1.0]
    assert view.faces(np.array([ahead]))
    assert not view.faces(np.array([ahead, behind]))
    assert np.isfinite(view.project(np.array([ahead, behind]))).all()


def test_no_point_of_a_plane_is_seen_above_the_horizon(studio: Any, start_tcp: Pose) -> None:
    view = studio.view("agentview_image", start_tcp)
    assert view.to_plane(np.array([64.0, 0.0]), 10.0) is None


def test_poses_compose(start_tcp: Pose) -> None:
    identity = Pose.from_quaternion([0, 0, 0], [0, 0, 0, 1])
    assert (start_tcp @ identity).position == pytest.approx(start_tcp.position)
