# SPDX-License-Identifier: Apache-2.0
"""The joint trajectory controllers of sim_node: arm_controller, and gripper_controller if any."""

import threading
from functools import partial

from trajectory_msgs.msg import JointTrajectory

from vera_ros.errors import TrajectoryRejectedError
from vera_ros.nodes.common.conversions import stamp_to_ns, trajectory_points
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.sim.sim_time import SimTime
from vera_ros.sim.follower import TrajectoryFollower
from vera_ros.sim.simulation import Simulation, nanoseconds


class SimControllers:
    """Passes trajectories to the simulated robot's controllers, which follow or reject them.

    Args:
        node: the rclpy node.
        robot: the robot with its controllers.
        lock: guards the robot.
        time: simulated time, on whose clock trajectories are stamped.

    Attributes:
        rejected: number of rejected trajectories.
    """

    def __init__(
        self,
        node: VeraNode,
        robot: Simulation,
        lock: threading.Lock,
        time: SimTime,
    ) -> None:
        self._node = node
        self._robot = robot
        self._lock = lock
        self._time = time
        self.rejected = 0
        for name, follower in robot.controllers.items():
            node.create_subscription(
                JointTrajectory,
                f"{name}_controller/joint_trajectory",
                partial(self._on_trajectory, name, follower),
                10,
            )

    def _on_trajectory(
        self, name: str, follower: TrajectoryFollower, message: JointTrajectory
    ) -> None:
        if not self._node.active:
            return
        with self._lock:
            self._time.catch_up()  # an unstamped trajectory starts now, not at the last tick
            accepted = self._follow(follower, message)
        if accepted:
            self._time.note_trajectory(name)

    def _follow(self, follower: TrajectoryFollower, message: JointTrajectory) -> bool:
        """Pass a trajectory to a controller; return whether it was accepted."""
        now_ns, stamp_ns = nanoseconds(self._robot), stamp_to_ns(message.header.stamp)
        if stamp_ns:
            stamp_ns += now_ns - self._time.stamp_ns()  # to the controllers' clock
        try:
            follower.accept(list(message.joint_names), trajectory_points(message), stamp_ns, now_ns)
        except TrajectoryRejectedError as error:
            self.rejected += 1
            self._node.get_logger().warning(f"trajectory rejected: {error}")
            return False
        return True
