# SPDX-License-Identifier: Apache-2.0
"""Detection of nodes that run twice in one graph."""

from typing import Any

from vera_ros.nodes.policy.arm_watch import ArmWatch


def find_doubles(node: Any, arm_watch: ArmWatch) -> str:
    """Return which of the graph's nodes runs twice, in words; empty: none.

    Args:
        node: the rclpy node of policy_node.
        arm_watch: tracks the ik_nodes.
    """
    policies = node.get_publishers_info_by_topic("policy_status")
    if len(policies) > 1:  # a killed one counts until the middleware has noticed
        names = [f"{end.node_namespace.rstrip('/')}/{end.node_name}" for end in policies]
        return (
            f"{len(names)} nodes publish policy_status, {', '.join(sorted(names))}: the same "
            "graph runs twice, or two graphs share their topics; stop one, or give each a "
            "namespace of its own"
        )
    return arm_watch.double()
