# SPDX-License-Identifier: Apache-2.0
"""Comparison of the inverse kinematics with mink's and pink's."""
