# SPDX-License-Identifier: Apache-2.0
"""The parts of policy_node: views, policy server, arm side, action and services."""
