# SPDX-License-Identifier: Apache-2.0
"""Where motion goes out: to a controller's topic, or to its action."""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from rclpy.duration import Duration
from trajectory_msgs.msg import JointTrajectory

from vera_ros.errors import ConfigurationError
from vera_ros.motion.limits import GripperLimits
from vera_ros.motion.trajectory import ArmTrajectory, GripperTrajectory
from vera_ros.nodes.common.conversions import joint_trajectory

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Output(Protocol[T_contra]):
    """What plays trajectories; a new one replaces the one that plays. Nothing here blocks."""

    def waiting_for(self) -> str:
        """What is missing for a trajectory to be played; empty: nothing."""

    def send(self, trajectory: T_contra, start_s: float) -> None:
        """Have this trajectory played; its time 0 is `start_s`, by the controller's clock."""

    def heard(self) -> bool | None:
        """Return whether the newest trajectory has reached the controller; None: not known."""

    def close(self) -> None:
        """Give back what the node does not destroy by itself; what waits to be sent is dropped."""


class TopicOutput(Generic[T]):
    """Publishes trajectories; whether they are played is not reported.

    Args:
        node: the rclpy node.
        topic: of the controller.
        message: makes the message of a trajectory.
    """

    def __init__(
        self, node: Any, topic: str, message: Callable[[T, float], JointTrajectory]
    ) -> None:
        self._message = message
        self._publisher = node.create_publisher(JointTrajectory, topic, 10)

    def waiting_for(self) -> str:
        """What is missing until trajectories have a taker; empty: nothing is."""
        if self._publisher.get_subscription_count():
            return ""
        return f"a subscriber of {self._publisher.topic_name}"

    def send(self, trajectory: T, start_s: float) -> None:
        """Publish it."""
        self._publisher.publish(self._message(trajectory, start_s))

    def heard(self) -> bool | None:
        """Return True once every reader has acknowledged all that was published.

        Readers acknowledge when they are asked to, every three seconds: until then, nothing is
        known.
        """
        return self._publisher.wait_for_all_acked(Duration(nanoseconds=0)) or None

    def close(self) -> None:
        """The node destroys its publishers."""


class NoOutput(Generic[T]):
    """Plays nothing: a dry run, or a gripper that is not there."""

    def waiting_for(self) -> str:
        """Nothing."""
        return ""

    def send(self, trajectory: T, start_s: float) -> None:
        """Do nothing with it."""

    def heard(self) -> bool | None:
        """Sends nothing."""
        return None

    def close(self) -> None:
        """There is nothing to give back."""


def make_arm_output(
    node: Any,
    kind: str,
    joint_names: list[str],
    on_fault: Callable[[str], None],
    *,
    dry_run: bool = False,
) -> Output[ArmTrajectory]:
    """The arm's output.

    Args:
        node: the rclpy node.
        kind: one of `parameters.OUTPUTS`.
        joint_names: of the arm.
        on_fault: told when a trajectory was refused or ended early, where that can be known.
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
    """The gripper's output.

    Args:
        node: the rclpy node.
        kind: one of `parameters.OUTPUTS`.
        joint: the finger that is commanded.
        limits: of its travel; closed and open are its ends.
        force_n: of a grasp, where the output can tell [N].
        on_fault: told when a command was refused or failed, where that can be known.
        now_s: tells the controller's time, for commands that are sent when they are due [s].
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
