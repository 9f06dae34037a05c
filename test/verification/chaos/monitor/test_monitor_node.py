# SPDX-License-Identifier: Apache-2.0
"""The monitor, as a process: what is published in its sight is judged and written down."""

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from vera_ros.nodes.common.conversions import doubles, joint_trajectory, ns_to_stamp, sensor_qos
from verification.chaos.monitor.recording import Published
from verification.chaos.wiring import TRAJECTORIES, TRUE_JOINT_STATES, true_name
from verification.rig import ARM_JOINTS, FINGER, START_Q

from ..ros_side import RosSide, running
from ..swings import Swing

MONITOR = "verification.chaos.monitor.monitor_node"


def message_of(published: Published) -> JointTrajectory:
    return joint_trajectory(
        list(ARM_JOINTS),
        published.times_s,
        published.q,
        published.dq,
        published.ddq,
        stamp_ns=time.time_ns(),
    )


def arm_at(q: Any) -> JointState:
    joints = JointState(
        name=[*ARM_JOINTS, FINGER],
        position=doubles(np.append(q, 0.04)),
        velocity=doubles(np.zeros(8)),
    )
    joints.header.stamp = ns_to_stamp(time.time_ns())
    return joints


def too_far_open() -> JointTrajectory:
    return joint_trajectory([FINGER], np.array([1.0]), np.array([[0.05]]), stamp_ns=time.time_ns())


@pytest.mark.usefixtures("ros_domain")
def test_good_and_bad_trajectories_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "findings.jsonl"
    missing = message_of(Swing().approached(0.0))
    missing.points[3].accelerations = []
    messages = [
        message_of(Swing().approached(0.0)),
        message_of(Swing(1, 0.2, 0.35).published(0.0)),
        missing,
    ]

    def findings() -> list[dict[str, Any]]:
        return [json.loads(line) for line in file.read_text().splitlines()]

    def judged(number: int) -> bool:
        return len(findings()) > number

    with (
        RosSide("ik_node") as side,
        running("-m", MONITOR, str(file), "mimicgen", "panda"),
    ):
        trajectories = side.node.create_publisher(
            JointTrajectory, true_name(TRAJECTORIES["arm"]), 10
        )
        fingers = side.node.create_publisher(
            JointTrajectory, true_name(TRAJECTORIES["gripper"]), 10
        )
        joints = side.node.create_publisher(
            JointState, TRUE_JOINT_STATES, sensor_qos("reliable", 10)
        )
        side.wait_until(
            lambda: all(
                publisher.get_subscription_count() for publisher in (trajectories, fingers, joints)
            ),
            "the monitor to listen",
        )
        for number, message in enumerate(messages):
            joints.publish(arm_at(START_Q))
            message.header.stamp = ns_to_stamp(time.time_ns())
            trajectories.publish(message)
            side.wait_until(partial(judged, number), f"trajectory {number} to be judged")
        fingers.publish(too_far_open())
        side.wait_until(partial(judged, len(messages)), "the fingers to be judged")
    good, fast, incomplete, open_fingers = findings()[:4]
    assert open_fingers["of"] == "fingers"
    assert any("the fingers go from" in text for text in open_fingers["violations"])
    assert good["violations"] == []
    assert good["source"] in ("rest", "")  # "" where it came before the joint states
    assert any("acceleration" in text for text in fast["violations"])
    assert incomplete["violations"] == ["point 3 has 0 accelerations; valid is 7"]
    assert findings()[-1]["finding"] == "summary"
    assert abs(good["begins_s"] - time.monotonic()) < 600.0
