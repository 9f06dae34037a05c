# SPDX-License-Identifier: Apache-2.0
"""ROS 2 nodes: parameters, topics, timers, and nothing else."""
