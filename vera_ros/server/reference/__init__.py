# SPDX-License-Identifier: Apache-2.0
"""A classical policy that stacks cubes from two pictures. No ROS."""
