# SPDX-License-Identifier: Apache-2.0
"""PushT: a disc pushes a T-shaped block onto its goal, in the plane of the picture. No ROS.

All lengths are pixels of the world, a square of 512 px: x to the right, y down, angles clockwise in
the picture.
"""
