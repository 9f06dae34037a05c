# SPDX-License-Identifier: Apache-2.0
"""The monitor's process: judges the controllers' trajectories and the simulator's true joints.

`python -m verification.chaos.monitor.monitor_node FILE EMBODIMENT ARM` writes findings, one JSON
object per line; see `read_subject`.
All times in the file are steady time [s], which the processes of a machine share.
"""

import json
import math
import signal
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import IO, Any

import numpy as np
import rclpy
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from vera_ros.nodes.common.conversions import in_order, sensor_qos, stamp_to_ns
from vera_ros_interfaces.msg import TaskTruth
from verification.chaos.monitor.monitor import Finding, Monitor, Received
from verification.chaos.monitor.recording import JointSample
from verification.chaos.monitor.subject import Subject, read_subject
from verification.chaos.monitor.trajectory_message import read_finger_trajectory, read_trajectory
from verification.chaos.wiring import TRAJECTORIES, TRUE_JOINT_STATES, true_name
from verification.judge.bounds import TrajectoryBounds
from verification.judge.checker import Checker
from verification.rig import GRIPPER_LIMITS

_JUDGE_S = 0.1
_DEPTH = 1000  # no message may be lost while the monitor judges
_TIMES = ("at_s", "from_s", "until_s", "begins_s", "published_s", "arrived_s")


class MonitorNode(Node):
    """Subscribes for a `Monitor`, and writes its findings.

    Args:
        output: text file that receives one line for each finding.
        robot: the robot whose trajectories are judged.
    """

    def __init__(self, output: IO[str], robot: Subject) -> None:
        super().__init__("monitor")
        self._robot = robot
        checker = Checker(robot.urdf, robot.joints, robot.base, *robot.tips)
        bounds = TrajectoryBounds.of(robot.limits)
        self._monitor = Monitor(checker, bounds, GRIPPER_LIMITS, robot.tracking_rad)
        self._output = output
        self._number = 0
        self._epoch_ns = time.time_ns()
        self._steady_s = time.monotonic()
        for name, read in (
            ("arm", partial(read_trajectory, joints=robot.joints)),
            ("gripper", partial(read_finger_trajectory, joint=robot.finger)),
        ):
            self.create_subscription(
                JointTrajectory,
                true_name(TRAJECTORIES[name]),
                self._listener(read),
                _DEPTH,
                event_callbacks=SubscriptionEventCallbacks(matched=self._on_matched),
            )
        self.create_subscription(
            JointState, TRUE_JOINT_STATES, self._on_joints, sensor_qos("reliable", _DEPTH)
        )
        self.create_subscription(TaskTruth, "task_truth", self._on_truth, _DEPTH)
        self.create_timer(_JUDGE_S, self._judge)

    def finish(self) -> None:
        """Judge all that is left, and write the findings and a summary."""
        self._write(self._monitor.finish())

    def _listener(self, read: Callable[..., Received]) -> Callable[[JointTrajectory, Any], None]:
        """Return the callback of a topic of trajectories, which `read` parses."""

        def receive(message: JointTrajectory, info: Any) -> None:
            arrived_s = self._ros_s(info["source_timestamp"] or time.time_ns())
            self._monitor.add_trajectory(
                read(
                    message,
                    number=self._number,
                    arrived_s=arrived_s,
                    epoch_ns=self._epoch_ns,
                )
            )
            self._number += 1

        return receive

    def _on_matched(self, info: Any) -> None:
        if info.current_count_change > 0:
            self._monitor.blind.add_publisher(self._ros_s(time.time_ns()))

    def _on_joints(self, message: JointState) -> None:
        stamp_s, robot = self._ros_s(stamp_to_ns(message.header.stamp)), self._robot
        finger = in_order(message, (robot.finger,), "position")[0] if robot.finger else math.nan
        self._monitor.add_joints(
            JointSample(
                stamp_s,
                in_order(message, robot.joints, "position"),
                in_order(message, robot.joints, "velocity"),
                float(finger),
                late_s=self._ros_s(time.time_ns()) - stamp_s,
            )
        )

    def _on_truth(self, truth: TaskTruth) -> None:
        self._monitor.blind.update_truth(self._ros_s(stamp_to_ns(truth.header.stamp)), truth.resets)

    def _judge(self) -> None:
        self._write(self._monitor.judge(self._ros_s(time.time_ns())))

    def _ros_s(self, stamp_ns: int) -> float:
        return (stamp_ns - self._epoch_ns) * 1e-9

    def _write(self, findings: list[Finding]) -> None:
        for finding in findings:
            steady = {name: finding[name] + self._steady_s for name in _TIMES if name in finding}
            self._output.write(json.dumps(finding | steady) + "\n")
        self._output.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the monitor until SIGINT or SIGTERM; return the exit code."""
    path, embodiment, arm = sys.argv[1:] if arguments is None else arguments
    np.seterr(all="ignore")  # overflows become inf or NaN, which is refused
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: signals.append(received))
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    with open(path, "w") as output:
        node = MonitorNode(output, read_subject(embodiment, arm))
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        while not signals:
            executor.spin_once(timeout_sec=0.1)
        node.finish()
        node.destroy_node()
    rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
