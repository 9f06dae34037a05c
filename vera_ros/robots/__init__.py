# SPDX-License-Identifier: Apache-2.0
"""What belongs to one embodiment each: its scene and its reference policy. No ROS.

A package has the name of its embodiment and, in its `__init__`, a constant ROBOT. None imports
another's; what several need is in a room that they share, such as `stacking`.
"""
