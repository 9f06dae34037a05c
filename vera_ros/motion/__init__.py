# SPDX-License-Identifier: Apache-2.0
"""From an action chunk to a joint trajectory that an arm may play. No ROS."""
