# SPDX-License-Identifier: Apache-2.0
"""The topics joint_states, /clock, task_truth and stack_truth of sim_node."""

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
from vera_ros.sim.simulation import Simulation
from vera_ros_interfaces.msg import StackTruth, TaskTruth

_CUBES = ("red_cube", "green_cube")


class SimReports:
    """Publishes the simulated robot's joint states, the time, and the scene's ground truth.

    Args:
        node: the rclpy node.
        robot: the simulated robot.
    """

    def __init__(self, node: VeraNode, robot: Simulation) -> None:
        self._robot = robot
        self._joint_states = node.create_publisher(
            JointState, "joint_states", sensor_qos("reliable", 10)
        )
        self._truth = node.create_publisher(TaskTruth, "task_truth", LOSSLESS_DEPTH)
        stacks = robot.truth().objects.keys() >= set(_CUBES)
        self._stack_truth = (
            node.create_publisher(StackTruth, "stack_truth", LOSSLESS_DEPTH) if stacks else None
        )
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
        """Publish where the things of the task are, and whether it is done."""
        truth = self._robot.truth()
        poses = {name: pose_message(p.position, p.quaternion) for name, p in truth.objects.items()}
        common = {
            "header": Header(stamp=ns_to_stamp(stamp_ns), frame_id=truth.frame),
            "seed": seed,
            "resets": resets,
            "success": truth.success,
            "realtime_factor": realtime_factor,
        }
        self._truth.publish(TaskTruth(objects=[*poses], poses=[*poses.values()], **common))
        if self._stack_truth is not None:
            cubes = {cube: poses[cube] for cube in _CUBES}
            self._stack_truth.publish(StackTruth(**cubes, **common))
