# SPDX-License-Identifier: Apache-2.0
"""Frames of the Panda that cameras are fixed to, and that poses are given in."""

BASE = "panda_link0"
GRIP_SITE = "panda_grip_site"  # between the finger tips; x: their closing axis, z: out of the hand
