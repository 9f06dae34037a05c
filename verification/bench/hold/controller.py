# SPDX-License-Identifier: Apache-2.0
"""Ideal controller for the hold benchmark: follows exactly, publishes joint states at 100 Hz.

`python -m verification.bench.hold.controller` runs it until SIGTERM.
"""

import time
from contextlib import suppress
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory

from vera_ros.nodes.common.conversions import doubles, ns_to_stamp, stamp_to_ns, trajectory_points
from vera_ros.sim.follower import TrajectoryFollower
from verification.rig import ARM_JOINTS, START_Q

_RATE_HZ = 100.0
_FINGER, _OPEN_M = "panda_finger_joint1", 0.04


class Controller:
    """Controllers of arm and gripper, and their joint states."""

    def __init__(self, node: Any) -> None:
        self._followers = {
            "arm": TrajectoryFollower(ARM_JOINTS, START_Q, open_loop=True),
            "gripper": TrajectoryFollower([_FINGER], [_OPEN_M], open_loop=True),
        }
        for name, follower in self._followers.items():
            node.create_subscription(
                JointTrajectory,
                f"{name}_controller/joint_trajectory",
                lambda message, follower=follower: _follow(follower, message),
                10,
            )
        self._joint_states = node.create_publisher(JointState, "joint_states", 10)
        node.create_timer(1.0 / _RATE_HZ, self._publish_joint_states)

    def _publish_joint_states(self) -> None:
        now_ns = time.time_ns()
        arm, finger = (follower.advance_to(now_ns) for follower in self._followers.values())
        self._joint_states.publish(
            JointState(
                header=Header(stamp=ns_to_stamp(now_ns)),
                name=[*ARM_JOINTS, _FINGER],
                position=doubles(np.concatenate((arm.q, finger.q))),
                velocity=doubles(np.concatenate((arm.dq, finger.dq))),
            )
        )


def _follow(follower: TrajectoryFollower, message: JointTrajectory) -> None:
    now_ns = time.time_ns()
    follower.advance_to(now_ns)
    stamp_ns = stamp_to_ns(message.header.stamp)
    points = trajectory_points(message)
    if stamp_ns and stamp_ns + points.times_s[-1] * 1e9 < now_ns:
        return  # refused, as by a controller; ik_node sends a stop again
    follower.accept(list(message.joint_names), points, stamp_ns, now_ns)


def main() -> None:
    """Run the controller until SIGINT or SIGTERM."""
    rclpy.init()
    node = rclpy.create_node("controller")
    controller = Controller(node)
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)
    del controller


if __name__ == "__main__":
    main()
