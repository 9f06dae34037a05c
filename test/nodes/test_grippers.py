# SPDX-License-Identifier: Apache-2.0
"""Episodes of arms without a gripper, and with one of a single joint that turns."""

from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import JointState

from vera_ros.nodes.common.conversions import doubles
from vera_ros.sim.follower import TrajectoryFollower
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress

from .stage import ARM_JOINTS, FINGERS, ScriptedPolicy, Stage, actions, urdf

DRIVE = "robotiq_85_left_knuckle_joint"


def with_fingers(*names: str) -> Any:
    """Name these joints in the joint states instead of the fingers."""

    def change(message: JointState) -> JointState:
        n = len(ARM_JOINTS)
        message.name = [*ARM_JOINTS, *names]
        for field in ("position", "velocity"):
            values = np.array(getattr(message, field))
            setattr(message, field, doubles(np.append(values[:n], [values[n]] * len(names))))
        return message

    return change


def play(stage: Stage, ik: dict[str, Any], policy: dict[str, Any]) -> list[dict[str, Any]]:
    """Run an episode until its second chunk has been played; return the requests."""
    server = ScriptedPolicy(actions(gripper=1.0))
    stage.serve(server)
    nodes = stage.add_ik(**ik), stage.add_policy(**policy)
    stage.wait_until_active(*nodes)
    handle = stage.goal(time_limit_s=600.0)
    stage.wait_until(
        lambda: any(m.state == ChunkProgress.FINISHED for m in stage.progress_of(1)),
        "the second chunk",
    )
    stage.judge(True)
    assert stage.result(handle).outcome == ExecuteTask.Result.SUCCEEDED
    return server.requests


@pytest.mark.parametrize("fingers", [(), FINGERS], ids=["no fingers", "fingers of another kind"])
def test_an_arm_without_a_gripper_plays_chunks(stage: Stage, fingers: tuple[str, ...]) -> None:
    """With gripper_joint empty, ik_node started and policy_node waited for fingers for ever."""
    stage.joint_message = with_fingers(*fingers)
    requests = play(stage, {"gripper_joint": ""}, {"finger_joints": []})
    assert len(stage.arm_trajectories) >= 2
    assert not stage.gripper_trajectories
    for request in requests:
        np.testing.assert_allclose(request["robot0_gripper_qpos"], [0.04, -0.04], atol=1e-6)


@pytest.mark.parametrize(("opened", "closed"), [(0.04, 0.0), (0.0, 0.04)])
def test_a_gripper_that_would_close_by_opening_is_warned_of(
    stage: Stage, opened: float, closed: float
) -> None:
    stage.add_ready_ik(gripper_open_m=opened, gripper_closed_m=closed)
    stage.wait_until(
        lambda: stage.arm_status and stage.arm_status[-1].state == ArmStatus.READY, "the arm"
    )
    warned = any("swap the two" in each for each in stage.arm_status[-1].warnings)
    assert warned is (opened < closed)


def test_a_gripper_of_one_joint_that_turns_is_closed_by_the_policy(stage: Stage) -> None:
    stage._fingers = TrajectoryFollower([DRIVE], [0.2])
    stage.joint_message = with_fingers(DRIVE)
    turning = urdf().replace(
        '<joint name="panda_finger_joint1" type="prismatic">',
        f'<joint name="{DRIVE}" type="revolute">',
    )
    turning = turning.replace('joint="panda_finger_joint1"', f'joint="{DRIVE}"')
    turning = turning.replace('lower="0" upper="0.04"', 'lower="0" upper="0.8"', 1)
    travel = {"gripper_open_m": 0.0, "gripper_closed_m": 0.8}
    ik = {"robot_description": turning, "gripper_joint": DRIVE, "gripper_speed": 1.0, **travel}
    requests = play(stage, ik, {"finger_joints": [DRIVE], **travel})
    np.testing.assert_allclose(requests[0]["robot0_gripper_qpos"], [0.03, -0.03], atol=1e-6)
    moves = [message for message in stage.gripper_trajectories if len(message.points) > 1]
    assert moves
    assert list(moves[0].joint_names) == [DRIVE]
    assert moves[0].points[-1].positions[0] == pytest.approx(0.8)
