# SPDX-License-Identifier: Apache-2.0
"""Inverse kinematics beside other libraries'."""
