# SPDX-License-Identifier: Apache-2.0
"""Another node of the graph does what it likes: each is refused or named, and the arm is safe.

What SROS2 forbids, and nothing else can (whoever may call `release` may release), is in
docs/how_to/secure_the_graph.md.
"""

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from vera_ros.nodes.common.conversions import LATCHED, LATCHED_BY_MANY, ns_to_stamp
from vera_ros_interfaces.msg import ActionChunk, ArmStatus, ChunkProgress

from ..stage import Stage, chunk

P = ChunkProgress
ESCAPE = "\x1b[2J\n[ERROR] [ik_node]: the arm is on fire"


def answer(stage: Stage, sequence: int) -> ChunkProgress:
    stage.wait_until(lambda: stage.progress_of(sequence), "the answer")
    return stage.progress_of(sequence)[0]


def test_a_chunk_is_played_once_however_often_it_is_repeated(playing: Stage) -> None:
    heard = playing.chunks[-1]
    for _ in range(3):
        playing.chunk_publisher.publish(deserialize_message(serialize_message(heard), ActionChunk))

    def refusals() -> list[int]:
        answers = playing.progress_of(heard.sequence)
        return [each.cause for each in answers if each.state == P.REJECTED]

    playing.wait_until(lambda: len(refusals()) == 3, "the refusals")
    assert set(refusals()) == {P.CHUNK_TOO_OLD}
    assert len(playing.arm_trajectories) == 1


@pytest.mark.parametrize("ahead_s", [0.5, 1000.0, 1e8])
def test_a_chunk_from_the_future_does_not_outlast_a_stop(stage: Stage, ahead_s: float) -> None:
    stage.add_ready_ik()
    stage.call(Trigger, "stop")
    sent = ns_to_stamp(stage.now_ns + round(ahead_s * 1e9))
    stage.chunk_publisher.publish(chunk(sequence=4, sent=sent))
    refused = answer(stage, 4)
    assert (refused.state, refused.cause) == (P.REJECTED, P.CLOCKS_DIFFER)
    assert not stage.arm_trajectories


def large(rows: int) -> ActionChunk:
    return chunk(sequence=6, horizon=rows, actions=array("d", bytes(48 * rows)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: large(5000),
        lambda: chunk(sequence=6, actions=np.full(60, np.inf).tolist()),
        lambda: chunk(sequence=6, actions=[1e300] * 60),
        lambda: chunk(sequence=6, embodiment=ESCAPE),
        lambda: chunk(sequence=6, gripper=[1.0] * 4000),
        lambda: chunk(sequence=6, control_dt_s=1e-300),
        lambda: chunk(sequence=6, horizon=2**31, columns=2**31),
    ],
)
def test_a_chunk_out_of_bounds_is_refused_in_one_line(
    stage: Stage, make: Callable[[], ActionChunk]
) -> None:
    stage.add_ready_ik()
    stage.chunk_publisher.publish(make())
    refused = answer(stage, 6)
    assert refused.state == P.REJECTED
    assert refused.message.isprintable()
    assert not stage.arm_trajectories


def test_foreign_text_is_printable_in_the_status(stage: Stage) -> None:
    ik = stage.add_ready_ik()
    publish = stage.node.create_publisher(ArmStatus, "arm_status", LATCHED_BY_MANY).publish
    publish(ArmStatus(arm=ESCAPE))
    stage.wait_until(lambda: ik._rivals.fault(), "the double")
    publish = stage.node.create_publisher(String, "robot_fault", LATCHED).publish
    publish(String(data=ESCAPE))
    stage.wait_until(lambda: ik._control and ik._control.sensing._robot.fault(), "the fault")
    assert ik._control is not None
    for reason in (ik._rivals.fault(), ik._control.sensing._robot.fault()):
        assert reason is not None
        assert "the arm is on fire" in reason.message
        assert reason.message.isprintable()


def test_a_flood_keeps_no_hold_from_stopping_the_arm(playing: Stage) -> None:
    rogue = playing.add_neighbour("rogue")
    chunks = rogue.create_publisher(ActionChunk, "action_chunk", 10)
    joints = rogue.create_publisher(JointState, "joint_states", 10)
    huge, strange = large(5000), JointState(name=["x"] * 5000)
    # The chunks are larger than what is valid, or would be the newest and replace the plan.
    rogue.create_timer(0.001, lambda: (chunks.publish(huge), joints.publish(strange)))
    playing._executor.add_node(rogue)
    playing.wait_until(lambda: playing.progress_of(6), "the flood")
    assert playing.call(Trigger, "hold").success
    playing._executor.remove_node(rogue)
    assert len(playing.arm_trajectories) == 2
    playing.ends_smoothly()


def test_who_drives_the_controller_directly_is_named(playing: Stage) -> None:
    rogue: Any = playing.add_neighbour("rogue")
    publisher = rogue.create_publisher(JointTrajectory, "arm_controller/joint_trajectory", 1)
    playing.wait_until(lambda: playing.arm_status[-1].state == ArmStatus.FAULT, "the fault")
    assert playing.arm_status[-1].message.startswith("/rogue may publish")
    playing.ends_smoothly()
    publisher.destroy()
