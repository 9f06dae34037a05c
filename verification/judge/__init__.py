# SPDX-License-Identifier: Apache-2.0
"""Independent checker of trajectories; neither planner nor gate uses any of it."""
