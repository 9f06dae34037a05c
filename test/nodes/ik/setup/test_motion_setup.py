# SPDX-License-Identifier: Apache-2.0
"""What cannot move an arm is said when the node starts, not when the first chunk comes."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.motion.execution.dispatcher import Dispatcher
from vera_ros.motion.setpoint.lead import Lead
from vera_ros.nodes.ik.setup.motion_setup import make_dispatcher, set_up_arm
from vera_ros.nodes.ik.setup.parameters import PARAMETERS
from vera_ros.resources import share_path

URDF = share_path("description", "urdf", "panda.urdf").read_text()
RESPONSE = share_path("config", "osc_pose_panda.yaml").read_text()


def parameters(**changes: Any) -> dict[str, Any]:
    return {parameter.name: parameter.default for parameter in PARAMETERS} | changes


def build(urdf: str = URDF, embodiment: str = "mimicgen", **changes: Any) -> Dispatcher:
    p = parameters(embodiment=embodiment, **changes)
    return make_dispatcher(
        p,
        set_up_arm(p, urdf),
        find_embodiment(embodiment),
        lambda _, __: None,
        lambda _, __: None,
        Lead(0.0125),
    )


@pytest.mark.parametrize(
    ("embodiment", "changes"),
    [
        ("mimicgen", {}),
        ("droid", {}),
        ("droid", {"tcp_frame": "panda_link8"}),
        ("mimicgen", {"tcp_frame": "panda_link8", "gripper_joint": ""}),
        ("mimicgen", {"response_model": "direct.yaml"}),
        ("mimicgen", {"limits": "training_limits.yaml"}),
        ("mimicgen", {"collision_check": False, "gripper_joint": ""}),
        ("mimicgen", {"collision_description": "panda.urdf", "table_check": True}),
    ],
)
def test_what_fits_is_built(embodiment: str, changes: dict[str, Any]) -> None:
    assert build(embodiment=embodiment, **changes).playing is None


HAND = share_path("description", "urdf", "allegro_hand.urdf").read_text()
PUSHER = share_path("description", "urdf", "pusht_pusher.urdf").read_text()
OF_THE_HAND: dict[str, Any] = {
    "joint_names": [f"joint_{number}.0" for number in range(16)],
    "limits": "allegro_limits.yaml",
    "gripper_joint": "",
    "start_posture": [0.0, 0.7, 0.6, 0.5] * 3 + [0.8, 0.4, 0.4, 0.5],
    "effort_limits": [1.0] * 16,
    "workspace_lower": [-0.5, -0.5, -0.5],
    "workspace_upper": [0.5, 0.5, 0.5],
    "self_distance_m": 0.001,
}
OF_THE_PUSHER: dict[str, Any] = {
    "joint_names": ["pusher_x", "pusher_y"],
    "limits": "pusht_limits.yaml",
    "position_margin": 0.0,
    "gripper_joint": "",
    "start_posture": [0.25, 0.3],
    "effort_limits": [100.0, 100.0],
    "workspace_lower": [-0.1, -0.1, -0.1],
    "workspace_upper": [0.6, 0.6, 0.1],
    "collision_check": False,
}


@pytest.mark.parametrize(
    ("embodiment", "urdf", "changes"),
    [
        ("pusht", PUSHER, OF_THE_PUSHER),
        ("pusht", URDF, {"gripper_joint": ""}),
        ("allegro", HAND, OF_THE_HAND),
        ("droid", URDF, {"action_space": "joint_delta"}),
        ("droid", URDF, {"action_space": "joint_position"}),
    ],
    ids=["pusher", "arm that pushes", "hand", "joint deltas", "joint targets"],
)
def test_joints_and_planes_are_built(embodiment: str, urdf: str, changes: dict[str, Any]) -> None:
    assert build(urdf, embodiment, **changes).playing is None


@pytest.mark.parametrize(
    ("embodiment", "urdf", "changes", "words"),
    [
        ("mimicgen", HAND, OF_THE_HAND, "not one chain"),
        (
            "allegro",
            HAND,
            OF_THE_HAND | {"tcp_frame": "link_3.0_tip"},
            "not one chain.*empty tcp_frame",
        ),
        (
            "allegro",
            HAND,
            OF_THE_HAND | {"joint_names": OF_THE_HAND["joint_names"][:12]},
            "has 12 joints, .* Allegro Hand V4, which has 16",
        ),
        ("mimicgen", URDF, {"action_space": "joint_delta"}, "'osc_pose'; valid is direct or ref"),
        ("droid", URDF, {"response_model": "allegro_reference.yaml"}, "'reference'; valid is osc"),
        (
            "pusht",
            PUSHER,
            OF_THE_PUSHER | {"start_posture": [0.25, 0.6]},
            "0.6 m for joint 'pusher_y'; valid is 0 to 0.512 m",
        ),
        ("pusht", PUSHER, OF_THE_PUSHER | {"limits": "panda_limits.yaml"}, "pusht_limits.yaml"),
    ],
)
def test_joints_that_do_not_go_together(
    embodiment: str, urdf: str, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        build(urdf, embodiment, **changes)


def without(pattern: str) -> str:
    changed = re.sub(pattern, "", URDF, flags=re.DOTALL)
    assert changed != URDF
    return changed


@pytest.mark.parametrize(
    ("urdf", "words"),
    [
        (without(r'<limit lower="-2.8973"[^>]*>'), r"panda_joint1.*no <limit>"),
        (without(r"<inertial>.*?</inertial>"), r"no inertias.*effort_model"),
        (without(r"<collision>.*?</collision>"), "collision"),
        (URDF.replace("panda_grip_site", "panda_end"), "end-effector frame|tcp_frame"),
        ("<robot", "not a URDF"),
    ],
    ids=["limits", "inertias", "collision", "tip", "no urdf"],
)
def test_robot_descriptions_that_lack_something(urdf: str, words: str) -> None:
    tip = {"tcp_frame": "panda_grip_site"} if "end-effector" in words else {}
    with pytest.raises(ConfigurationError, match=re.compile(words, re.DOTALL)):
        build(urdf, **tip)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"response_model": "nowhere.yaml"}, "nowhere.yaml"),
        ({"limits": "nowhere.yaml"}, "nowhere.yaml"),
        ({"limits": "fr3_limits.yaml"}, "'panda_joint6'.*set 'limits' to panda_limits.yaml"),
        ({"tcp_frame": "panda_link8"}, "'panda_link8' is 0.058 m from the fingers"),
        ({"limits": "direct.yaml"}, "'arm' is missing"),
        ({"effort_limits": [1.0]}, "effort_limits.*one value per joint"),
        ({"start_posture": [0.0]}, "start_posture.*one value per joint"),
        (
            {"start_posture": [0.0, 0.2, 0.0, -3.2, 0.0, 2.9, 0.8]},
            "'start_posture' has -3.2 rad for joint 'panda_joint4'; valid is -3.0.* to -0.0",
        ),
        ({"start_posture": [3.0, 0.2, 0.0, -2.6, 0.0, 2.9, 0.8]}, "3 rad for joint 'panda_joint1'"),
        ({"start_posture": [0.0, 0.2, 0.0, -2.6, 0.0, -0.1, 0.8]}, "-0.1 rad.*'panda_joint6'"),
        (
            {"gripper_joint": "panda_joint7"},
            "'gripper_joint' is 'panda_joint7'.*one of joint_names",
        ),
        ({"limits": "panda.yaml"}, "parameter 'limits' is 'panda.yaml'.*panda_limits.yaml"),
        ({"collision_description": "package://a/b.urdf"}, "'collision_description'.*package://"),
        ({"response_model": "osc_pose.yaml"}, "'response_model' is.*osc_pose_panda.yaml"),
        ({"gripper_closed_m": 0.05}, "gripper_closed_m"),
        ({"singularity_slow": 200.0}, "singularity_slow 200.0.*singularity_stop"),
        ({"position_margin": 1.6}, "lower"),
        ({"workspace_lower": [1.0, 0.0, 0.0]}, "workspace_lower"),
        ({"table_check": True, "table_z_m": 1.0}, "table_z_m"),
        ({"start_posture": [0.0, 1.7, 0.0, -3.0, 0.0, 0.0, 0.0]}, "start_posture"),
        ({"collision_description": "nowhere.urdf"}, "nowhere.urdf"),
    ],
)
def test_parameters_that_do_not_go_together(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        build(**changes)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda t: t.replace("kind: osc_pose", "kind: spring"), "'spring'.*osc_pose or direct"),
        (lambda t: t.replace("kp: 150.0", "kp: -1.0"), "kp is -1.0"),
        (lambda t: t.replace("kp: 150.0", "kp: 1.0e+9"), "kp is"),
        (lambda t: t.replace("armature: [5.0", "armature: [-5.0"), "armature"),
        (lambda t: t.replace("inertia: [0.3, 0.3, 0.3]", "inertia: [0.3, 0.3, 0.9]"), "inertia"),
        (lambda t: t.replace("mass: 3.0", "mass: 0.0"), "mass is 0.0"),
        (lambda t: t.replace("physics_step_s: 0.002", ""), "'physics_step_s' is missing"),
    ],
)
def test_response_models_that_make_no_sense(
    tmp_path: Path, spoil: Callable[[str], str], words: str
) -> None:
    changed = spoil(RESPONSE)
    assert changed != RESPONSE
    path = tmp_path / "response.yaml"
    path.write_text(changed)
    with pytest.raises(ConfigurationError, match=words) as error:
        build(response_model=str(path))
    assert str(path) in str(error.value)
