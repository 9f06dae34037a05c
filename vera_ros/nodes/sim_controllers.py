# SPDX-License-Identifier: Apache-2.0
"""The two joint trajectory controllers of sim_node: arm_controller and gripper_controller."""

import threading
from collections.abc import Callable
from functools import partial

from trajectory_msgs.msg import JointTrajectory

from vera_ros.errors import TrajectoryRejectedError
from vera_ros.nodes.conversions import duration_to_seconds, stamp_to_ns
from vera_ros.nodes.node import VeraNode
from vera_ros.nodes.sim_time import SimTime
from vera_ros.sim.follower import TrajectoryFollower
from vera_ros.sim.robot import SimulatedRobot
from vera_ros.sim.trajectory import TrajectoryPoints
from vera_ros.sim.world import JointState


class SimControllers:
    """Have the simulated robot follow the trajectories that come, or reject them.

    Args:
        node: the rclpy node.
        robot: who follows them.
        lock: of the robot's world.
        time: which a trajectory's stamp is of.

    Attributes:
        rejected: how many trajectories were.
    """

    def __init__(
        self,
        node: VeraNode,
        robot: SimulatedRobot,
        lock: threading.Lock,
        time: SimTime,
    ) -> None:
        self._node = node
        self._robot = robot
        self._lock = lock
        self._time = time
        self.rejected = 0
        for name, follower, measure in (
            ("arm", robot.arm, robot.world.arm),
            ("gripper", robot.gripper, self._finger),
        ):
            node.create_subscription(
                JointTrajectory,
                f"{name}_controller/joint_trajectory",
                partial(self._on_trajectory, name, follower, measure),
                10,
            )

    def _finger(self) -> JointState:
        fingers = self._robot.world.fingers()
        return JointState(fingers.q[:1], fingers.dq[:1], fingers.effort[:1])

    def _on_trajectory(
        self,
        name: str,
        follower: TrajectoryFollower,
        measure: Callable[[], JointState],
        message: JointTrajectory,
    ) -> None:
        if not self._node.active:
            return
        with self._lock:
            self._time.catch_up()  # what starts now starts at this moment, not at the last tick
            accepted = self._follow(follower, measure(), message)
        if accepted:
            self._time.note_trajectory(name)

    def _follow(
        self, follower: TrajectoryFollower, measured: JointState, message: JointTrajectory
    ) -> bool:
        """Let a controller follow a trajectory; return whether it does."""
        now_s, stamp_ns = self._robot.world.time_s, stamp_to_ns(message.header.stamp)
        points = message.points
        try:
            follower.accept(
                list(message.joint_names),
                TrajectoryPoints(
                    [duration_to_seconds(point.time_from_start) for point in points],
                    [point.positions for point in points],
                    [point.velocities for point in points],
                    [point.accelerations for point in points],
                ),
                now_s + (stamp_ns - self._time.stamp_ns()) * 1e-9 if stamp_ns else 0.0,
                now_s,
                measured.q,
                measured.dq,
            )
        except TrajectoryRejectedError as error:
            self.rejected += 1
            self._node.get_logger().warning(f"trajectory rejected: {error}")
            return False
        return True
