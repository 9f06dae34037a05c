# SPDX-License-Identifier: Apache-2.0
"""Outputs that send trajectories to a controller's topic or to its action."""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from rclpy.duration import Duration
from trajectory_msgs.msg import JointTrajectory

from vera_ros.errors import ConfigurationError
from vera_ros.motion.limits import GripperLimits
from vera_ros.motion.trajectory import ArmTrajectory, GripperTrajectory
from vera_ros.nodes.common.conversions import joint_trajectory
from vera_ros.nodes.common.parameters.qos_overrides import PUBLISHER, overriding

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Output(Protocol[T_contra]):
    """Interface to what plays trajectories; a new one replaces the last. No method blocks."""

    def waiting_for(self) -> str:
        """Return what is missing for a trajectory to be played; empty: nothing."""

    def send(self, trajectory: T_contra, start_s: float) -> None:
        """Send a trajectory; its time 0 is `start_s` on the controller's clock [s]."""

    def acknowledged(self) -> bool | None:
        """Return whether the newest trajectory has reached the controller; None: not known."""

    def close(self) -> None:
        """Release what the node does not destroy by itself; drop what waits to be sent."""


class TopicOutput(Generic[T]):
    """Publishes trajectories; whether they are played is not reported.

    Args:
        node: the rclpy node.
        topic: the controller's topic.
        message: makes the message of a trajectory and its start time [s].
    """

    def __init__(
        self, node: Any, topic: str, message: Callable[[T, float], JointTrajectory]
    ) -> None:
        self._message = message
        options = overriding(node, topic, PUBLISHER)
        self._publisher = node.create_publisher(
            JointTrajectory, topic, 10, qos_overriding_options=options
        )

    def waiting_for(self) -> str:
        """Return the subscriber that is missing; empty: there is one."""
        if self._publisher.get_subscription_count():
            return ""
        return f"a subscriber of {self._publisher.topic_name}"

    def send(self, trajectory: T, start_s: float) -> None:
        """Publish a trajectory."""
        self._publisher.publish(self._message(trajectory, start_s))

    def acknowledged(self) -> bool | None:
        """Return True once every reader has acknowledged all that was published, else None.

        Readers acknowledge on request, every three seconds: until then, nothing is known.
        """
        return self._publisher.wait_for_all_acked(Duration(nanoseconds=0)) or None

    def close(self) -> None:
        """Do nothing: the node destroys its publishers."""


class NoOutput(Generic[T]):
    """Plays nothing: for a dry run, or for an arm without a gripper."""

    def waiting_for(self) -> str:
        """Return an empty string: nothing is missing."""
        return ""

    def send(self, trajectory: T, start_s: float) -> None:
        """Drop the trajectory."""

    def acknowledged(self) -> bool | None:
        """Return None: nothing is sent."""
        return None

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


def make_arm_output(
    node: Any,
    kind: str,
    joint_names: list[str],
    on_fault: Callable[[str], None],
    *,
    dry_run: bool = False,
) -> Output[ArmTrajectory]:
    """Create the arm's output.

    Args:
        node: the rclpy node.
        kind: one of `parameters.OUTPUTS`.
        joint_names: the arm's joints, base to tip.
        on_fault: called with a message when a trajectory is refused or ends early, if known.
        dry_run: send nothing.

    Raises:
        ConfigurationError: the kind needs a package that is not installed.
    """
    if dry_run:
        return NoOutput()

    def message(trajectory: ArmTrajectory, start_s: float) -> JointTrajectory:
        points, first_s = trajectory.points, trajectory.points.times_s[0]
        return joint_trajectory(
            joint_names,
            points.times_s - first_s,
            points.q,
            points.dq,
            points.ddq,
            stamp_ns=round((start_s + first_s) * 1e9),
        )

    if kind == "topic":
        return TopicOutput(node, "arm_controller/joint_trajectory", message)
    try:
        from vera_ros.nodes.ik.outputs.arm_action import ArmAction
    except ImportError as error:
        raise _not_installed("arm_output", error) from error
    return ArmAction(node, "arm_controller/follow_joint_trajectory", message, on_fault)


def make_gripper_output(
    node: Any,
    kind: str,
    joint: str,
    limits: GripperLimits,
    force_n: float,
    on_fault: Callable[[str], None],
    now_s: Callable[[], float],
    *,
    dry_run: bool = False,
) -> Output[GripperTrajectory]:
    """Create the gripper's output.

    Args:
        node: the rclpy node.
        kind: one of `parameters.OUTPUTS`.
        joint: the finger that is commanded.
        limits: motion limits of the finger; closed and open are the ends of its travel.
        force_n: maximum force of a grasp, if the output can command it [N].
        on_fault: called with a message when a command is refused or fails, if known.
        now_s: returns the controller's time, for commands that are sent when they are due [s].
        dry_run: send nothing.

    Raises:
        ConfigurationError: the kind needs a package that is not installed.
    """
    if dry_run:
        return NoOutput()

    def message(trajectory: GripperTrajectory, start_s: float) -> JointTrajectory:
        times_s, positions_m = trajectory.points
        stamp_ns = round((start_s + times_s[0]) * 1e9)
        return joint_trajectory(
            [joint], times_s - times_s[0], positions_m[:, None], stamp_ns=stamp_ns
        )

    if kind == "topic":
        return TopicOutput(node, "gripper_controller/joint_trajectory", message)
    try:
        from vera_ros.nodes.ik.outputs.gripper_action import GripperAction
    except ImportError as error:
        raise _not_installed("gripper_output", error) from error
    name = "gripper_controller/gripper_cmd"
    return GripperAction(node, name, limits, force_n, on_fault, now_s)


def _not_installed(parameter: str, error: ImportError) -> ConfigurationError:
    return ConfigurationError(
        f"parameter '{parameter}' is 'action', which needs the ROS package control_msgs ({error}); "
        "install it (apt install ros-$ROS_DISTRO-control-msgs), or set the parameter to 'topic'"
    )
