# SPDX-License-Identifier: Apache-2.0
"""Starts the system of allegro: `ros2 launch vera_ros allegro_hand.launch.py --show-args`."""

from launch import LaunchDescription
from vera_ros.bringup.launch_description import describe_system


def generate_launch_description() -> LaunchDescription:
    """Return the launch description of allegro."""
    return describe_system("allegro", __file__)
