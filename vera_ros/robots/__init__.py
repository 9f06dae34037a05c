# SPDX-License-Identifier: Apache-2.0
"""What belongs to one robot kind each: its scene, its judge and its reference policy. No ROS."""
