# SPDX-License-Identifier: Apache-2.0
"""Starts, finds and supervises a policy server, and hosts the reference policy. No ROS."""
