# SPDX-License-Identifier: Apache-2.0
"""The VERA policy server's protocol, as a client speaks it. No ROS."""
