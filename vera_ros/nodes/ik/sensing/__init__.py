# SPDX-License-Identifier: Apache-2.0
"""What ik_node knows of its arm: joint states, faults of the robot, other nodes that move it."""
