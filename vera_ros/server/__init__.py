# SPDX-License-Identifier: Apache-2.0
"""How a policy server comes to be there. No ROS."""
