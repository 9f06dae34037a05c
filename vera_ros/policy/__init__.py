# SPDX-License-Identifier: Apache-2.0
"""Episode logic: when to observe, query the server, play, settle and stop. No ROS."""
