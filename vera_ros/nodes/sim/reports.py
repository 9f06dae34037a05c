# SPDX-License-Identifier: Apache-2.0
"""The topics joint_states, /clock and stack_truth of sim_node."""

from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from vera_ros.nodes.common.conversions import (
    LOSSLESS_DEPTH,
    doubles,
    ns_to_stamp,
    pose_message,
    sensor_qos,
)
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.robots.stacking import scene
from vera_ros.robots.stacking.simulated_robot import SimulatedRobot
from vera_ros.robots.stacking.task import StackTask
from vera_ros_interfaces.msg import StackTruth


class SimReports:
    """Publishes the simulated robot's joint states, the time, and the scene's ground truth.

    Args:
        node: the rclpy node.
        robot: the robot with its world.
    """

    def __init__(self, node: VeraNode, robot: SimulatedRobot) -> None:
        self._robot = robot
        self._task = StackTask(robot.world)
        self._joint_states = node.create_publisher(
            JointState, "joint_states", sensor_qos("reliable", 10)
        )
        self._truth = node.create_publisher(StackTruth, "stack_truth", LOSSLESS_DEPTH)
        with_clock = node.parameters["publish_clock"]
        self._clock = node.create_publisher(Clock, "/clock", 10) if with_clock else None

    def say_joints(self, stamp_ns: int) -> None:
        """Publish the joint states, and the time on /clock if the node has it."""
        if self._clock is not None:
            self._clock.publish(Clock(clock=ns_to_stamp(stamp_ns)))
        names, (q, dq, effort) = self._robot.joint_states()
        self._joint_states.publish(
            JointState(
                header=Header(stamp=ns_to_stamp(stamp_ns)),
                name=names,
                position=doubles(q),
                velocity=doubles(dq),
                effort=doubles(effort),
            )
        )

    def say_truth(self, stamp_ns: int, seed: int, resets: int, realtime_factor: float) -> None:
        """Publish where the cubes are, and whether the tower stands."""
        world = self._robot.world
        base = world.robot.base
        red, green = (world.pose(cube, base) for cube in (scene.RED_CUBE, scene.GREEN_CUBE))
        self._truth.publish(
            StackTruth(
                header=Header(stamp=ns_to_stamp(stamp_ns), frame_id=base),
                seed=seed,
                resets=resets,
                success=self._task.succeeded(),
                red_cube=pose_message(red.position, red.quaternion),
                green_cube=pose_message(green.position, green.quaternion),
                realtime_factor=realtime_factor,
            )
        )
