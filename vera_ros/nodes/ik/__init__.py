# SPDX-License-Identifier: Apache-2.0
"""The parts of ik_node: joint states in, trajectories out, who else is there."""
