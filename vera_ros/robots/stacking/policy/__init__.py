# SPDX-License-Identifier: Apache-2.0
"""A classical policy that stacks cubes from pictures, for any arm that it is given. No ROS."""
