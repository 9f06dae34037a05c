# SPDX-License-Identifier: Apache-2.0
"""Starts the system of mimicgen: `ros2 launch vera_ros mimicgen_panda.launch.py --show-args`."""

from launch import LaunchDescription
from vera_ros.bringup.launch_description import describe_system


def generate_launch_description() -> LaunchDescription:
    """Return the launch description of mimicgen."""
    return describe_system("mimicgen", __file__)
