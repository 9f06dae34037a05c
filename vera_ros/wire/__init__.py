# SPDX-License-Identifier: Apache-2.0
"""Client side of the VERA policy server's protocol. No ROS."""
