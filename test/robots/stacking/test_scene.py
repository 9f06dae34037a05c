# SPDX-License-Identifier: Apache-2.0
"""The simulated arm is the arm of the URDF."""

import numpy as np
import pinocchio as pin
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.resources import share_path
from vera_ros.robots.stacking import scene
from vera_ros.robots.stacking.hands import PANDA_HAND
from vera_ros.sim.gl import mujoco

MODEL = scene.load_model()
DATA = mujoco.MjData(MODEL)
URDF = pin.buildModelFromUrdf(str(share_path("description", "urdf", "panda.urdf")))
URDF_DATA = URDF.createData()
FRAMES = [*(f"panda_link{i}" for i in range(1, 8)), scene.GRIP_SITE]
postures = st.tuples(
    *(
        st.floats(low, high)
        for low, high in zip(URDF.lowerPositionLimit[:7], URDF.upperPositionLimit[:7], strict=True)
    )
)


@given(postures)
def test_kinematics_agree_with_the_urdf(q: tuple[float, ...]) -> None:
    DATA.qpos[:7] = q
    mujoco.mj_kinematics(MODEL, DATA)
    pin.framesForwardKinematics(URDF, URDF_DATA, np.array([*q, 0.0, 0.0]))
    base = DATA.body(scene.BASE).xpos
    for name in FRAMES:
        frame = DATA.site(name) if name == scene.GRIP_SITE else DATA.body(name)
        expected = URDF_DATA.oMf[URDF.getFrameId(name)]
        np.testing.assert_allclose(frame.xpos - base, expected.translation, atol=1e-6)
        np.testing.assert_allclose(frame.xmat.reshape(3, 3), expected.rotation, atol=1e-6)


@pytest.mark.parametrize("joint", [*scene.ARM_JOINTS, *PANDA_HAND.joints])
def test_joint_ranges_agree_with_the_urdf(joint: str) -> None:
    i = URDF.joints[URDF.getJointId(joint)].idx_q
    limits = (URDF.lowerPositionLimit[i], URDF.upperPositionLimit[i])
    np.testing.assert_allclose(MODEL.joint(joint).range, limits)


@pytest.mark.parametrize("joint", scene.ARM_JOINTS)
def test_torque_limits_agree_with_the_urdf(joint: str) -> None:
    limit = URDF.effortLimit[URDF.joints[URDF.getJointId(joint)].idx_v]
    force_range = MODEL.jnt_actfrcrange[MODEL.joint(joint).id]
    np.testing.assert_allclose(force_range, (-limit, limit))


def test_the_robot_stands_where_the_training_environment_puts_it() -> None:
    np.testing.assert_allclose(MODEL.body(scene.BASE).pos, (-0.56, 0.0, 0.912))
    table = MODEL.body("table").pos[2] + MODEL.geom("table").size[2]
    assert table == pytest.approx(scene.TABLE_TOP_Z_M)
    for cube, half_size in scene.CUBE_HALF_SIZE_M.items():
        np.testing.assert_allclose(MODEL.geom(cube).size, half_size)
        np.testing.assert_allclose(MODEL.body(cube).mass, 1000 * (2 * half_size) ** 3)
