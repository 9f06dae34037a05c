# SPDX-License-Identifier: Apache-2.0
"""A robot without a body, as a process: cameras, joint states, controllers, and what is wrong."""

import argparse
import contextlib
import time
from pathlib import Path

import rclpy
from builtin_interfaces.msg import Time
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Header, String
from trajectory_msgs.msg import JointTrajectory

from vera_ros.nodes.common.conversions import LATCHED, ns_to_stamp

FAULTS = (
    "stamps",  # the first camera does not stamp its pictures
    "encoding",  # the second one sends what nobody can read
    "finger",  # the joint states have no finger
    "latched",  # the arm's controller wants trajectories latched
    "teleop",  # another node sends trajectories
    "description",  # the URDF has no inertias
    "ranges",  # ... and a joint turns farther than the limits file says
    "behind",  # the joint states are stamped by a clock that is behind
    "effortless",  # ... and have no efforts
    "gripper",  # the gripper has no controller
    "twins",  # two nodes have one name
)
ARM = [f"panda_joint{number}" for number in range(1, 8)]
CAMERAS = ("/front_camera/color/image_raw", "/hand_camera/color/image_raw")
CONTROLLERS = ("/panda_arm_controller", "/panda_gripper_controller")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("urdf", type=Path)
    parser.add_argument("--fault", action="append", choices=FAULTS, default=[])
    arguments = parser.parse_args()
    faults: list[str] = arguments.fault

    rclpy.init()
    node = rclpy.create_node("fake_robot")
    controller = rclpy.create_node("panda_arm_controller")
    controller.declare_parameter("interpolation_method", "splines")
    controller.declare_parameter("open_loop_control", True)
    cameras = [node.create_publisher(Image, topic, 5) for topic in CAMERAS]
    joint_states = node.create_publisher(JointState, "/joint_states", 10)
    qos = QoSProfile(depth=1)
    if "latched" in faults:
        qos.durability = DurabilityPolicy.TRANSIENT_LOCAL
    if "twins" in faults:
        twin = rclpy.create_node("fake_robot")
        twin.create_publisher(String, "/twin", 1)
    own = CONTROLLERS[: 1 if "gripper" in faults else None]
    for name, reader_qos in zip(own, (qos, QoSProfile(depth=1)), strict=False):
        topic = f"{name}/joint_trajectory"
        controller.create_subscription(JointTrajectory, topic, lambda _: None, reader_qos)
    if "teleop" in faults:
        node.create_publisher(JointTrajectory, f"{CONTROLLERS[0]}/joint_trajectory", 1)
    urdf = arguments.urdf.read_text()
    if "description" in faults:
        urdf = urdf.replace("<inertial", "<!-- inertial").replace("</inertial>", "-->")
    if "ranges" in faults:
        urdf = urdf.replace('upper="2.8973"', 'upper="3.1416"', 1)
    node.create_publisher(String, "/robot_description", LATCHED).publish(String(data=urdf))

    def take_pictures() -> None:
        stamp = ns_to_stamp(time.time_ns())
        for index, camera in enumerate(cameras):
            unstamped = index == 0 and "stamps" in faults
            camera.publish(
                Image(
                    header=Header(stamp=Time() if unstamped else stamp),
                    height=48,
                    width=64,
                    step=3 * 64,
                    encoding="yuv9" if index == 1 and "encoding" in faults else "rgb8",
                    data=bytes(3 * 64 * 48),
                )
            )

    def measure() -> None:
        fingers = [] if "finger" in faults else ["panda_finger_joint1", "panda_finger_joint2"]
        names = [*ARM, *fingers]
        zeros = [0.0] * len(names)
        behind_s = 7 if "behind" in faults else 0
        header = Header(stamp=ns_to_stamp(time.time_ns() - behind_s * 10**9))
        effort = [] if "effortless" in faults else zeros
        joint_states.publish(
            JointState(header=header, name=names, position=zeros, velocity=zeros, effort=effort)
        )

    node.create_timer(1.0 / 25.0, take_pictures)
    node.create_timer(1.0 / 50.0, measure)
    executor = rclpy.executors.SingleThreadedExecutor()
    for each in (node, controller):
        executor.add_node(each)
    with contextlib.suppress(rclpy.executors.ExternalShutdownException):  # asked to end
        executor.spin()


if __name__ == "__main__":
    main()
