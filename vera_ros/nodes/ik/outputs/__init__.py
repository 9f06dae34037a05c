# SPDX-License-Identifier: Apache-2.0
"""Outputs to the controllers of arm and gripper: by topic, or by action."""
