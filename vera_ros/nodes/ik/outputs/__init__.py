# SPDX-License-Identifier: Apache-2.0
"""The ways to the controllers of arm and gripper: by topic, or by action."""
