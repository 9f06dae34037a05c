# SPDX-License-Identifier: Apache-2.0
"""Parts of a simulation: cameras, a trajectory follower, time, and faults of pictures. No ROS."""
