# SPDX-License-Identifier: Apache-2.0
"""Starts the system of droid: `ros2 launch vera_ros droid_panda.launch.py --show-args`."""

from launch import LaunchDescription
from vera_ros.bringup.launch_description import describe_system


def generate_launch_description() -> LaunchDescription:
    """Return the launch description of droid."""
    return describe_system("droid", __file__)
