# SPDX-License-Identifier: Apache-2.0
"""The cameras: every view, upright, with the cubes where the pinhole model says."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vera_ros.errors import ConfigurationError
from vera_ros.robots.registry import find_robot
from vera_ros.robots.stacking.scene import CUBE_HALF_SIZE_M, GREEN_CUBE, RED_CUBE, load_model
from vera_ros.robots.stacking.tables import DARK_WOOD, TABLES
from vera_ros.robots.stacking.world import World
from vera_ros.sim.gl import mujoco
from vera_ros.sim.renderer import CameraRenderer

CAMERAS = find_robot("mimicgen").cameras
AGENT, WRIST = CAMERAS
CHANNEL = {RED_CUBE: 0, GREEN_CUBE: 1}
DOMINANT = {RED_CUBE: 2.0, GREEN_CUBE: 1.3}  # over the other channels; wood is reddish, too
PICTURES = Path(__file__).parent / "pictures"


def open_renderer(
    table: str = DARK_WOOD, size: tuple[int, int] = (128, 128), multisamples: int = 4
) -> CameraRenderer:
    return CameraRenderer(load_model(CAMERAS.values(), table), CAMERAS, size, multisamples)


@pytest.fixture(scope="module", params=TABLES)
def renderer(request: pytest.FixtureRequest) -> Iterator[CameraRenderer]:
    with open_renderer(request.param) as renderer:
        yield renderer


def mask(picture: NDArray[np.uint8], cube: str) -> NDArray[np.bool_]:
    """Return the pixels in which the cube's colour dominates. Shape (H, W)."""
    wide = picture.astype(int)
    others = np.delete(wide, CHANNEL[cube], axis=2).max(axis=2)
    seen: NDArray[np.bool_] = wide[:, :, CHANNEL[cube]] > DOMINANT[cube] * others
    return seen


@pytest.mark.parametrize("seed", range(5))
def test_both_views_show_both_cubes(renderer: CameraRenderer, seed: int) -> None:
    pictures = renderer.render(World(seed).snapshot())
    assert list(pictures) == ["agentview_image", "robot0_eye_in_hand_image"]
    for picture in pictures.values():
        assert picture.shape == (128, 128, 3)
        assert picture.dtype == np.uint8
        for cube in CHANNEL:
            assert 20 < mask(picture, cube).sum() < 2000
    assert np.abs(pictures[AGENT].astype(int) - pictures[WRIST]).mean() > 5


@pytest.mark.parametrize("table", TABLES)
def test_the_pictures_are_those_that_were_looked_at(table: str) -> None:
    """Small ones of seed 0: a planner that was trained on others would be out of distribution."""
    with open_renderer(table) as renderer:
        pictures = renderer.render(World(0).snapshot())
    for view, picture in pictures.items():
        small = cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA)
        expected = cv2.imread(str(PICTURES / f"{table}_{view}.png"))
        assert expected is not None
        assert np.abs(small.astype(int) - expected[:, :, ::-1]).mean() < 2.0


def test_the_same_snapshot_gives_the_same_picture(renderer: CameraRenderer) -> None:
    snapshots = [World(seed).snapshot() for seed in (1, 2)]
    first, other, again = (renderer.render(snapshots[i]) for i in (0, 1, 0))
    for view in CAMERAS:
        np.testing.assert_array_equal(first[view], again[view])
        assert not np.array_equal(first[view], other[view])


@pytest.mark.parametrize("view", [AGENT, WRIST])
@pytest.mark.parametrize("seed", range(5))
def test_intrinsics_project_a_cubes_top_into_its_pixels(
    renderer: CameraRenderer, view: str, seed: int
) -> None:
    """Also pins that pictures are upright and red comes first."""
    world = World(seed)
    picture = renderer.render(world.snapshot())[view]
    model = load_model(CAMERAS.values())
    data = mujoco.MjData(model)
    data.qpos[:] = world.snapshot()
    mujoco.mj_forward(model, data)
    camera = data.camera(CAMERAS[view].topic)
    intrinsics = renderer.intrinsics(view)
    for cube, half_size in CUBE_HALF_SIZE_M.items():
        body = data.body(cube)
        seen = mask(picture, cube)
        for corner in ((0, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            on_top = np.array([0.7 * corner[0], 0.7 * corner[1], 1.0]) * half_size
            point = body.xpos + body.xmat.reshape(3, 3) @ on_top
            # MuJoCo's cameras look along -z with y up.
            x, y, z = camera.xmat.reshape(3, 3).T @ (point - camera.xpos)
            u = intrinsics.cx + intrinsics.fx * x / -z
            v = intrinsics.cy - intrinsics.fy * y / -z
            assert seen[round(v), round(u)]


def test_size_is_chosen_and_checked() -> None:
    with open_renderer(size=(64, 96), multisamples=0) as small:
        pictures = small.render(World(0).snapshot())
        assert pictures[AGENT].shape == (64, 96, 3)
        seen = small.intrinsics(AGENT)
        assert seen.fx == seen.fy == pytest.approx(32 / np.tan(np.deg2rad(22.5)))
        assert (seen.cx, seen.cy) == (47.5, 31.5)
        with pytest.raises(ConfigurationError, match="nowhere"):
            small.intrinsics("nowhere")
    with pytest.raises(ConfigurationError, match="5000"):
        open_renderer(size=(16, 5000))


def test_a_renderer_lives_in_a_thread_of_its_own() -> None:
    def render() -> dict[str, NDArray[np.uint8]]:
        with open_renderer() as renderer:
            return renderer.render(World(0).snapshot())

    with ThreadPoolExecutor(max_workers=1) as thread:
        pictures = thread.submit(render).result()
        again = thread.submit(render).result()
    np.testing.assert_array_equal(pictures[WRIST], again[WRIST])
