# SPDX-License-Identifier: Apache-2.0
"""A classical policy that stacks cubes from two pictures. No ROS."""

from vera_ros.server.reference.stack_policy import StackPolicy

__all__ = ["StackPolicy"]
