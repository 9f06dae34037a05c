# SPDX-License-Identifier: Apache-2.0
"""ik_node is set up for every packaged arm, with nothing to remark, and plans its motion."""

from typing import Any

import numpy as np
import pytest
import yaml

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.motion.setpoint.lead import Lead
from vera_ros.nodes.ik.setup.motion_setup import make_dispatcher, set_up_arm
from vera_ros.nodes.ik.setup.parameters import PARAMETERS
from vera_ros.resources import share_path
from vera_ros.robots.registry import find_robot
from verification.arm_files import ARMS, read_arm


def parameters(arm: str, embodiment: str = "mimicgen") -> dict[str, Any]:
    config = share_path("config", find_robot(embodiment).config)
    of_embodiment = yaml.safe_load(config.read_text())["/**/ik_node"]["ros__parameters"]
    p: dict[str, Any] = {each.name: each.default for each in PARAMETERS}
    p |= of_embodiment
    p |= read_arm(arm).ik
    return p


@pytest.mark.parametrize("embodiment", ["mimicgen", "droid"])
@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_is_set_up(arm: str, embodiment: str) -> None:
    p = parameters(arm, embodiment)
    setup = set_up_arm(p, read_arm(arm).urdf)
    assert setup.remarks == ()
    assert list(setup.arm.joint_names) == read_arm(arm).joint_names
    assert setup.arm.without_inertias == []
    make_dispatcher(
        p,
        setup,
        find_embodiment(embodiment),
        lambda _, __: None,
        lambda _, __: None,
        Lead(0.0125),
    )
    assert setup.obstacles is not None
    still = np.tile(read_arm(arm).start_q, (2, 1))
    assert setup.obstacles.first_too_close(still) is None


@pytest.mark.parametrize(
    ("arm", "limits", "message"),
    [
        ("ur5e", "panda_limits.yaml", "which has 7; for a UR5e set 'limits' to ur5e_limits"),
        ("xarm7", "fr3_limits.yaml", "another arm.*for a xArm 7 set 'limits' to xarm7_limits.yaml"),
        ("gen3", "ur5e_limits.yaml", "7 joints, .* are for a UR5e, which has 6; robot_desc"),
    ],
)
def test_limits_of_another_arm_are_refused(arm: str, limits: str, message: str) -> None:
    p = parameters(arm) | {"limits": limits}
    with pytest.raises(ConfigurationError, match=message):
        set_up_arm(p, read_arm(arm).urdf)


def test_a_tcp_that_is_not_on_the_chain_is_refused() -> None:
    p = parameters("ur5e") | {"tcp_frame": "forearm_link"}
    with pytest.raises(ConfigurationError, match="'forearm_link' is not carried by joint 'wrist_3"):
        set_up_arm(p, read_arm("ur5e").urdf)
