# SPDX-License-Identifier: Apache-2.0
"""Camera messages to RGB pictures, and the rolling multi-view frame window. No ROS."""
