# SPDX-License-Identifier: Apache-2.0
"""vera_ros: from a video-to-action policy server to a robot arm in ROS 2."""

__version__ = "0.1.0"
