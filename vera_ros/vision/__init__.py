# SPDX-License-Identifier: Apache-2.0
"""Conversion of camera messages to RGB, and the rolling window of multi-view frames. No ROS."""
