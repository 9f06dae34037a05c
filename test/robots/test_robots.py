# SPDX-License-Identifier: Apache-2.0
"""Every robot is complete: table entry, cameras, configuration, launch file and policy agree."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import yaml

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.resources import share_path
from vera_ros.robots import registry
from vera_ros.robots.pinhole import Pose
from vera_ros.robots.registry import SIMULATED, WITH_REFERENCE_POLICY, find_robot
from vera_ros.robots.stacking import scene
from vera_ros.robots.stacking.policy.cameras import view_of
from vera_ros.robots.stacking.world import World
from vera_ros.sim.gl import mujoco
from vera_ros.wire.protocol.server_config import ServerConfig, check_embodiment

STACKING = ("mimicgen", "droid")
simulated = pytest.mark.parametrize("name", SIMULATED)


@pytest.mark.parametrize("name", WITH_REFERENCE_POLICY)
def test_its_policy_serves_the_embodiment(name: str) -> None:
    robot = find_robot(name)
    assert robot.prompt.strip()
    assert robot.vera_prompt.strip()
    served = ServerConfig.from_wire(robot.make_policy().server_config())
    check_embodiment(served, find_embodiment(name))


@simulated
def test_its_cameras_are_the_views(name: str) -> None:
    cameras = find_robot(name).cameras
    # Of those whose client chooses its views, some.
    assert tuple(cameras) == find_embodiment(name).with_views(list(cameras)).view_keys
    assert len({camera.topic for camera in cameras.values()}) == len(cameras)
    for camera in cameras.values():
        assert np.linalg.norm(camera.orientation_xyzw) == pytest.approx(1.0, abs=1e-3)


@simulated
def test_its_configuration_is_for_it(name: str) -> None:
    robot, kind = find_robot(name), find_embodiment(name)
    nodes = yaml.safe_load(share_path("config", robot.config).read_text())
    values: dict[str, dict[str, Any]] = {
        node.removeprefix("/**/"): below["ros__parameters"] for node, below in nodes.items()
    }
    topics = [f"{topic}/image_raw" for topic in robot.view_topics.values()]
    assert values["policy_node"]["view_topics"] == topics
    assert values["sim_node"]["camera_rate_hz"] == pytest.approx(1 / kind.control_dt_s)
    assert values["sim_node"]["image_size"] == kind.resolution[0]
    for node in ("policy_node", "ik_node", "sim_node", "reference_server", "server_node"):
        assert values[node]["embodiment"] == name
    launch = robot.config.replace(".yaml", ".launch.py")
    assert f'describe_system("{name}"' in share_path("launch", launch).read_text()


@pytest.mark.parametrize("name", STACKING)
def test_the_policy_knows_where_the_scene_has_the_cameras(name: str) -> None:
    robot, world = find_robot(name), World(0)
    height, width = find_embodiment(name).resolution
    model = scene.load_model(robot.cameras.values())
    data = mujoco.MjData(model)
    data.qpos[:] = world.snapshot()
    mujoco.mj_forward(model, data)
    base, grip = data.body(scene.BASE), data.site(scene.GRIP_SITE)
    to_base = Pose(base.xpos, base.xmat.reshape(3, 3)).inverse()
    tcp = to_base @ Pose(grip.xpos, grip.xmat.reshape(3, 3))
    for camera in robot.cameras.values():
        seen, view = data.camera(camera.topic), view_of(camera, tcp, width, height)
        # MuJoCo's cameras look along -z with y up.
        optical = seen.xmat.reshape(3, 3) @ np.diag([1.0, -1.0, -1.0])
        expected = to_base @ Pose(seen.xpos, optical)
        np.testing.assert_allclose(view.pose.position, expected.position, atol=1e-6)
        np.testing.assert_allclose(view.pose.rotation, expected.rotation, atol=1e-6)
        focal_px = height / 2 / np.tan(np.deg2rad(model.camera(camera.topic).fovy[0]) / 2)
        assert view.focal_px == pytest.approx(focal_px)


def test_what_is_none_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"unknown embodiment 'toaster'"):
        find_robot("toaster")
    monkeypatch.setattr(registry, "WITH_REFERENCE_POLICY", STACKING)
    with pytest.raises(ConfigurationError, match=r"'allegro' has no .* mimicgen, droid"):
        find_robot("allegro")


def test_to_know_a_robot_needs_no_library_of_its_policy_or_scene() -> None:
    program = (
        "import sys\n"
        "from vera_ros.robots.registry import find_robot, WITH_REFERENCE_POLICY\n"
        "assert all(find_robot(name).prompt for name in WITH_REFERENCE_POLICY)\n"
        "late = {'mujoco', 'scipy', 'cv2'} & set(sys.modules)\n"
        "assert not late, late\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
