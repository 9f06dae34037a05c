# SPDX-License-Identifier: Apache-2.0
"""The training environment's arm is what its configuration file says."""

from typing import Any

import numpy as np
import pinocchio as pin
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.response.osc_law import step
from vera_ros.motion.response.osc_model import OscModel
from vera_ros.motion.response.osc_plant import Workspace
from vera_ros.resources import share_path

from ..chunks import START_Q


def read() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(share_path("config", "osc_pose_panda.yaml").read_text())
    return loaded


def test_the_file_of_this_package_is_read(osc_model: OscModel) -> None:
    plant = osc_model.plant
    assert osc_model.arm.nq == 7
    assert (plant.kp, plant.null_space_kp) == (150.0, 10.0)
    assert osc_model.zero_rotation_keeps_goal
    assert osc_model.physics_step_s == 0.002
    np.testing.assert_allclose(plant.torque_limit, [80.0] * 5 + [12.0] * 2)
    np.testing.assert_allclose(plant.posture, START_Q)
    np.testing.assert_allclose(plant.armature, osc_model.arm.armature)


def test_links_carry_all_of_their_bodies(osc_model: OscModel) -> None:
    content = read()
    for link, mass in enumerate(osc_model.plant.mass, start=1):
        bodies = [body for body in content["bodies"] if body["link"] == link]
        assert mass == pytest.approx(sum(body["mass"] for body in bodies))
        moment = sum(body["mass"] * np.array(body["com"]) for body in bodies)
        np.testing.assert_allclose(mass * osc_model.plant.com[link - 1], moment, atol=1e-12)
        np.testing.assert_allclose(
            osc_model.plant.inertia[link - 1], osc_model.arm.inertias[link].inertia
        )


def test_the_tcp_is_the_urdfs(osc_model: OscModel, urdf: str) -> None:
    """The modelled arm and the URDF of the same robot have the same kinematics."""
    arm = pin.buildModelFromXML(urdf)
    data, modelled = arm.createData(), osc_model.arm.createData()
    q = START_Q + 0.1
    pin.framesForwardKinematics(arm, data, np.concatenate((q, np.zeros(arm.nq - 7))))
    pin.framesForwardKinematics(osc_model.arm, modelled, q)
    base = data.oMf[arm.getFrameId("panda_link0")]
    tcp = base.actInv(data.oMf[arm.getFrameId("panda_grip_site")])
    np.testing.assert_allclose(modelled.oMf[osc_model.tcp].translation, tcp.translation, atol=1e-6)


@given(order=st.permutations(range(13)))
def test_the_order_of_the_bodies_does_not_matter(osc_model: OscModel, order: list[int]) -> None:
    """A body that came after those of a later link had no air drag, nor had any after it."""
    content = read()
    assert len(content["bodies"]) == len(order)
    content["bodies"] = [content["bodies"][row] for row in order]
    shuffled = OscModel.of(content)
    goal, dq = np.array([0.5, 0.0, 0.3]), np.full(7, 0.5)
    after = []
    for model in (osc_model, shuffled):
        q, rate = START_Q.copy(), dq.copy()
        assert step(model.plant, Workspace.of(7), q, rate, goal, np.eye(3), 0.002)
        after.append(rate)
    np.testing.assert_allclose(after[0], after[1], atol=1e-12)
