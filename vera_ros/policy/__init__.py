# SPDX-License-Identifier: Apache-2.0
"""The episode: when to look, ask, play, settle and stop. No ROS."""
