# SPDX-License-Identifier: Apache-2.0
"""Kinematics of a serial arm: forward kinematics, Jacobians, inverse kinematics, identity."""
