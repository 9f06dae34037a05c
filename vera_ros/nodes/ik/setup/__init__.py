# SPDX-License-Identifier: Apache-2.0
"""Set-up of ik_node: parameters, the robot's description, and the motion side made from both."""
