# SPDX-License-Identifier: Apache-2.0
"""Starts the system of pusht: `ros2 launch vera_ros pusht.launch.py --show-args`."""

from launch import LaunchDescription
from vera_ros.bringup.launch_description import describe_system


def generate_launch_description() -> LaunchDescription:
    """Return the launch description of pusht."""
    return describe_system("pusht", __file__)
