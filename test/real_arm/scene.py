# SPDX-License-Identifier: Apache-2.0
"""The surroundings of an arm that has none: cameras, cubes, and fingers that feel them.

Run as a node in the namespace /scene, it is sim_node with its controllers replaced: the simulated
arm goes where /joint_states say that the other arm is, and its gripper where that one's is. What is
between the fingers stops them, so the scene reports the fingers, as a gripper's own driver does.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from sensor_msgs.msg import JointState

from vera_ros.nodes.common.conversions import doubles, ns_to_stamp
from vera_ros.nodes.common.node_process import run_node
from vera_ros.nodes.sim_node import SimNode
from vera_ros.robots.stacking import scene
from vera_ros.robots.stacking.hands import PANDA_HAND
from vera_ros.robots.stacking.simulated_robot import SimulatedRobot
from vera_ros.sim.follower import TrajectoryFollower
from vera_ros.sim.trajectory import Setpoint


class JointStateFollower(TrajectoryFollower):
    """Commands the positions and velocities that another arm's joint states report."""

    def __init__(self, joint_names: Sequence[str], q: ArrayLike) -> None:
        super().__init__(joint_names, q)
        self._names = tuple(joint_names)
        zero = np.zeros(len(self._names))
        self._seen = Setpoint(np.array(q, float), zero, zero, active=False)

    def see(self, message: JointState) -> None:
        """Follow this message, if it has all of the joints."""
        columns = zip(message.name, message.position, message.velocity, strict=False)
        values = {name: (q, dq) for name, q, dq in columns}
        if values.keys() >= set(self._names):
            q, dq = np.array([values[name] for name in self._names]).T
            self._seen = Setpoint(q, dq, np.zeros_like(q), active=True)

    def update(
        self, now_ns: int, q: ArrayLike, dq: ArrayLike, elapsed_ns: int | None = None
    ) -> Setpoint:
        """Return what was seen last; see TrajectoryFollower."""
        return self._seen


class SceneNode(SimNode):
    """sim_node whose arm and gripper are led by joint states."""

    def setup(self) -> None:
        """Build the world, and let joint states lead it."""
        super().setup()
        robot = self._robot
        assert isinstance(robot, SimulatedRobot)
        robot.arm = JointStateFollower(scene.ARM_JOINTS, robot.world.arm().q)
        robot.gripper = JointStateFollower(PANDA_HAND.joints[:1], [PANDA_HAND.start])
        for topic, follower in (
            ("/joint_states", robot.arm),
            ("/gripper_state_broadcaster/joint_states", robot.gripper),
        ):
            self.create_subscription(JointState, topic, follower.see, 10)
        if self.get_parameter("use_sim_time").value:  # of the arm's simulator, which has /clock
            assert self._time is not None
            self._time.stamp_ns = lambda: int(self.get_clock().now().nanoseconds)  # type: ignore[method-assign]
        self._fingers = self.create_publisher(JointState, "/joint_states", 10)

    def _publish_joints(self) -> None:
        super()._publish_joints()
        assert self._time is not None
        assert isinstance(self._robot, SimulatedRobot)
        fingers = self._robot.world.fingers()
        message = JointState(name=list(PANDA_HAND.joints))
        message.header.stamp = ns_to_stamp(self._time.stamp_ns())
        message.position, message.velocity = doubles(fingers.q), doubles(fingers.dq)
        self._fingers.publish(message)


if __name__ == "__main__":
    run_node(SceneNode)
