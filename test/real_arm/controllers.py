# SPDX-License-Identifier: Apache-2.0
"""Stands in for ros2_control with mock hardware: joints that follow their commands exactly.

The followers play trajectories as a joint_trajectory_controller does. The one argument is the seed
of the scene in whose posture the arm starts.
"""

import sys
import time

import rclpy
from rclpy.node import Node
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from vera_ros.errors import TrajectoryRejectedError
from vera_ros.nodes.common.conversions import ns_to_stamp, stamp_to_ns, trajectory_points
from vera_ros.robots.stacking import scene
from vera_ros.robots.stacking.hands import PANDA_HAND
from vera_ros.robots.stacking.placement import draw_placement
from vera_ros.sim.follower import TrajectoryFollower

RATE_HZ = 100.0


class StandIn:
    """Two controllers, and a joint state broadcaster for each.

    Args:
        node: the rclpy node.
        seed: the scene in whose posture the arm starts.
    """

    def __init__(self, node: Node, seed: int) -> None:
        self._node = node
        self._arm = TrajectoryFollower(scene.ARM_JOINTS, draw_placement(seed).arm_q, open_loop=True)
        self._finger = TrajectoryFollower(PANDA_HAND.joints[:1], [PANDA_HAND.start], open_loop=True)
        for name, follower in (("arm", self._arm), ("gripper", self._finger)):
            node.create_subscription(
                JointTrajectory,
                f"panda_{name}_controller/joint_trajectory",
                lambda message, follower=follower: self._on_trajectory(follower, message),
                10,
            )
        self._arm_states = node.create_publisher(JointState, "joint_states", 10)
        self._finger_states = node.create_publisher(
            JointState, "gripper_state_broadcaster/joint_states", 10
        )
        node.create_timer(1.0 / RATE_HZ, self._publish)

    def _on_trajectory(self, follower: TrajectoryFollower, message: JointTrajectory) -> None:
        now_ns, stamp_ns = time.time_ns(), stamp_to_ns(message.header.stamp)
        try:
            follower.accept(list(message.joint_names), trajectory_points(message), stamp_ns, now_ns)
        except TrajectoryRejectedError as error:
            self._node.get_logger().error(f"trajectory rejected: {error}")

    def _publish(self) -> None:
        now_ns = time.time_ns()
        for names, follower, publisher in (
            (scene.ARM_JOINTS, self._arm, self._arm_states),
            (PANDA_HAND.joints[:1], self._finger, self._finger_states),
        ):
            setpoint = follower.advance_to(now_ns)
            message = JointState(name=list(names))
            message.header.stamp = ns_to_stamp(now_ns)
            message.position = setpoint.q.tolist()
            message.velocity = setpoint.dq.tolist()
            publisher.publish(message)


if __name__ == "__main__":
    rclpy.init()
    stand_in = rclpy.create_node("stand_in")
    StandIn(stand_in, int(sys.argv[1]))
    rclpy.spin(stand_in)
