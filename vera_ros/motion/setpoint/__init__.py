# SPDX-License-Identifier: Apache-2.0
"""The set-point: what the arm's controller commands, computed from the trajectories sent."""
