# SPDX-License-Identifier: Apache-2.0
"""Joints and frames of the Panda. Standard library only."""

PANDA_JOINTS = tuple(f"panda_joint{number}" for number in range(1, 8))
BASE = "panda_link0"  # in which poses are given
GRIP_SITE = "panda_grip_site"  # between the finger tips; x: their closing axis, z: out of the hand
