# SPDX-License-Identifier: Apache-2.0
"""Cubes are found where they are, and not found where the pictures do not agree."""

from typing import Any

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from vera_ros.robots.pinhole import Pose
from vera_ros.robots.stacking.policy.cubes import Cube, Located, Look, locate
from vera_ros.robots.stacking.policy.grasps import hand_pose
from vera_ros.robots.stacking.policy.request import read_observation
from vera_ros.robots.stacking.policy.segmentation import gather_evidence

xs, ys = st.floats(0.47, 0.65), st.floats(-0.09, 0.09)
yaws = st.floats(0, np.pi / 2)
tcps = st.builds(
    lambda x, y, z, yaw: hand_pose(np.array([x, y, z]), yaw),
    st.floats(0.40, 0.60), st.floats(-0.1, 0.1), st.floats(0.0, 0.12), st.floats(0.8, 2.3),
)  # fmt: skip


def see(studio: Any, request: dict[str, Any], name: str, *, free_z: bool) -> Located:
    """Locate the cube of that name in a request."""
    observation, cube = read_observation(request), getattr(studio.scene.cubes, name)
    looks = [
        Look(
            studio.view(key, studio.arm.tcp_of(observation.eef)),
            gather_evidence(observation.pictures[key], cube, studio.scene.segmentation),
        )
        for key in studio.arm.cameras
    ]
    rest_z = studio.scene.table_z_m + cube.half_size_m
    return locate(looks, cube.half_size_m, rest_z, studio.scene.localisation, free_z=free_z)


def error_m(located: Located, truth: Cube) -> float:
    assert located.cube is not None, located.reason
    return float(np.abs(located.cube.position - truth.position).max())


def turn_rad(located: Located, truth: Cube) -> float:
    """The difference in yaw, which means the same after a quarter turn."""
    assert located.cube is not None, located.reason
    return abs((located.cube.yaw_rad - truth.yaw_rad + np.pi / 4) % (np.pi / 2) - np.pi / 4)


@settings(deadline=None, max_examples=40)
@given(x=xs, y=ys, yaw=yaws, tcp=tcps)
def test_a_cube_on_the_table_is_found_within_two_millimetres(
    studio: Any, x: float, y: float, yaw: float, tcp: Pose
) -> None:
    cube = studio.support(x, y, yaw)
    located = see(studio, studio.request(tcp, None, cube), "support", free_z=False)
    assert error_m(located, cube) < 2e-3
    assert turn_rad(located, cube) < 0.06


@settings(deadline=None, max_examples=40)
@given(x=xs, y=ys, yaw=yaws, height=st.floats(0, 0.06))
def test_two_views_find_a_cube_at_an_unknown_height(
    studio: Any, x: float, y: float, yaw: float, height: float
) -> None:
    z = studio.scene.table_z_m + studio.scene.cubes.carried.half_size_m + height
    cube = studio.carried(x, y, yaw, z)
    tcp = hand_pose(np.array([x - 0.03, y, 0.08]), np.pi / 2)
    located = see(studio, studio.request(tcp, cube, None), "carried", free_z=True)
    assert error_m(located, cube) < 7e-3


@settings(deadline=None, max_examples=20)
@given(x=xs, y=ys, yaw=yaws)
def test_one_view_takes_the_cube_to_rest_on_the_table(
    studio: Any, x: float, y: float, yaw: float
) -> None:
    """Along a single line of sight a far cube and a near one look almost the same."""
    far = hand_pose(np.array([0.40, 0.38, 0.05]), np.pi / 2)  # the hand sees no edge of it
    cube = studio.carried(x, y, yaw)
    located = see(studio, studio.request(far, cube, None), "carried", free_z=True)
    assert error_m(located, cube) < 3e-3


@settings(deadline=None, max_examples=30)
@given(x=xs, y=ys, yaw=yaws)
def test_compression_and_noise_cost_little(
    studio: Any, start_tcp: Pose, x: float, y: float, yaw: float
) -> None:
    cube = studio.support(x, y, yaw)
    request = studio.request(start_tcp, None, cube, noise=4.0)
    _, code = cv2.imencode(
        ".jpg", request["context_rgb"][0][..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 50]
    )
    decoded = cv2.imdecode(code, cv2.IMREAD_COLOR)
    assert decoded is not None
    request["context_rgb"] = decoded[None, ..., ::-1]
    assert error_m(see(studio, request, "support", free_z=False), cube) < 2.5e-3


@settings(deadline=None, max_examples=30)
@given(x=st.floats(0.5, 0.6), y=st.floats(-0.05, 0.05), yaw=yaws, cut=st.floats(0.2, 0.6))
def test_a_half_hidden_cube_is_found_where_it_is(
    studio: Any, start_tcp: Pose, x: float, y: float, yaw: float, cut: float
) -> None:
    """A dark gripper in front of a cube says nothing; it must not pull the fit towards itself."""
    cube = studio.support(x, y, yaw)
    request = studio.request(start_tcp, None, cube)
    view = studio.view("agentview_image", start_tcp)
    pixels = view.project(cube.corners())
    edge = round(float(np.quantile(pixels[:, 0], [0, 1]) @ [1 - cut, cut]))
    top, bottom = int(pixels[:, 1].min()) - 8, int(pixels[:, 1].max()) + 8
    request["context_rgb"][0, top:bottom, max(edge - 25, 0) : edge] = 30
    assert error_m(see(studio, request, "support", free_z=False), cube) < 3e-3


@settings(deadline=None, max_examples=30)
@given(x=xs, y=ys, yaw=yaws, dx=st.sampled_from([-0.07, 0.07]))
def test_views_that_disagree_find_nothing(
    studio: Any, start_tcp: Pose, x: float, y: float, yaw: float, dx: float
) -> None:
    """A picture from another moment or another camera must not lead to a place between the two."""
    here = studio.request(start_tcp, None, studio.support(x, y, yaw))
    there = studio.request(start_tcp, None, studio.support(x + dx, y, yaw))
    here["context_rgb"][:, :, 128:] = there["context_rgb"][:, :, 128:]
    assert see(studio, here, "support", free_z=False).cube is None


@settings(deadline=None, max_examples=50)
@given(x=xs, y=ys, yaw=yaws, tcp=tcps, turn=st.floats(-3, 3))
def test_contradictory_pictures_are_no_error(
    studio: Any, x: float, y: float, yaw: float, tcp: Pose, turn: float
) -> None:
    """ValueError from the solver: lines of sight of unlike moments met behind a camera."""
    request = studio.request(tcp, studio.carried(x, y, yaw), studio.support(x, -y, yaw))
    moved = Pose(tcp.position, tcp.rotation @ hand_pose(tcp.position, turn).rotation)
    request["eef_quat"] = Rotation.from_matrix(moved.rotation).as_quat()
    for name, free_z in (("carried", True), ("support", False)):
        located = see(studio, request, name, free_z=free_z)
        assert (located.cube is None) == bool(located.reason)


def test_a_picture_without_the_cube_finds_nothing_and_says_so(studio: Any, start_tcp: Pose) -> None:
    located = see(studio, studio.request(start_tcp, None, None), "carried", free_z=True)
    assert located.cube is None
    assert "colour" in located.reason
