# SPDX-License-Identifier: Apache-2.0
"""The parts of policy_node: views, the server, the arm's side, the task."""
