# SPDX-License-Identifier: Apache-2.0
"""The simulated Panda, its stacking scene, and a trajectory follower. No ROS."""
