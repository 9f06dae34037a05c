# SPDX-License-Identifier: Apache-2.0
"""PushT's disc at the TCP of an arm: it is where the TCP is, in the plane of the picture."""

from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.resources import share_path
from vera_ros.robots.pusht import ROBOT, make_simulation
from vera_ros.robots.pusht.arm_pusher import ArmPusherWorld
from vera_ros.robots.pusht.geometry import SIDE_PX
from vera_ros.robots.stacking.arms.description import packaged_panda
from vera_ros.sim.one_controller import OneController

ZERO = np.zeros(7)
TCP = "panda_grip_site"


def parameters(arm: str = "panda", **changes: Any) -> dict[str, Any]:
    """Those of sim_node in the packaged files."""
    given: dict[str, Any] = {}
    for path in (ROBOT.config, ROBOT.simulator.other_arms, f"arms/{arm}.yaml"):
        content = yaml.safe_load(share_path("config", *str(path).split("/")).read_text())
        for node in ("/**", "/**/sim_node"):
            given |= content.get(node, {}).get("ros__parameters", {})
    return {**given, **changes}


def make_world(seed: int, **changes: Any) -> ArmPusherWorld:
    simulation = make_simulation(seed, parameters(**changes))
    assert isinstance(simulation, OneController)
    assert isinstance(simulation.world, ArmPusherWorld)
    return simulation.world


WORLD = make_world(0)
PANDA = ArmModel(packaged_panda(), WORLD.joint_names, TCP)


def pixel_under_tcp(q: np.ndarray) -> np.ndarray:
    """Where the packaged file's picture has the TCP: x is the arm's -y, y its -x."""
    x, y, _ = PANDA.tcp_pose(q).translation
    return np.array([0.179 - y, 0.68 - x]) / 0.0007


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_an_episode_begins_with_the_tcp_at_the_disc(seed: int) -> None:
    WORLD.reset(seed)
    q = WORLD.joints().q
    np.testing.assert_allclose(pixel_under_tcp(q), WORLD.snapshot()[:2], atol=0.01)
    assert PANDA.tcp_pose(q).translation[2] == pytest.approx(0.05, abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.floats(-2e-3, 2e-3), min_size=7, max_size=7))
def test_the_disc_goes_where_the_tcp_goes(seed: int, rates: list[float]) -> None:
    WORLD.reset(seed)
    q = WORLD.joints().q
    for _ in range(5):
        q = q + np.array(rates)
        WORLD.step(q, np.array(rates) / WORLD.step_s, ZERO)
    np.testing.assert_allclose(WORLD.snapshot()[:2], pixel_under_tcp(q), atol=0.01)
    np.testing.assert_array_equal(WORLD.joints().q, q)


def test_the_joints_bear_the_arms_weight() -> None:
    WORLD.reset(3)
    measured = WORLD.joints()
    np.testing.assert_allclose(measured.effort, PANDA.efforts(measured.q, ZERO), atol=1e-9)
    assert np.abs(measured.effort).max() > 5.0


def test_the_truth_is_in_the_base_frame() -> None:
    WORLD.reset(5)
    truth, block = WORLD.truth(), WORLD.snapshot()[2:]
    assert truth.frame == "panda_link0"
    x, y, z = truth.objects["block"].position
    np.testing.assert_allclose([(0.179 - y) / 0.0007, (0.68 - x) / 0.0007], block[:2], atol=1e-6)
    assert z == pytest.approx(0.05)
    tcp = PANDA.tcp_pose(WORLD.joints().q).translation
    np.testing.assert_allclose(truth.objects["pusher"].position, tcp, atol=1e-5)


@pytest.mark.parametrize("arm", ["fr3", "gen3", "panda", "ur5e", "xarm7"])
def test_every_packaged_arm_reaches_the_picture(arm: str) -> None:
    assert make_world(1, arm=arm).joints().q.shape == np.shape(parameters(arm)["start_posture"])


def test_a_picture_beyond_the_arms_reach_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"does not reach pixel .*pixel_m, picture_origin"):
        make_world(0, pixel_m=0.003)


def test_the_corners_are_those_of_the_world() -> None:
    assert SIDE_PX * parameters()["pixel_m"] == pytest.approx(2 * 0.179, abs=1e-3)


def test_a_picture_without_right_angles_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'picture_x' .* perpendicular"):
        make_world(0, picture_x=[0.0, -1.0, 0.1])
