# SPDX-License-Identifier: Apache-2.0
"""Whether a node of the graph is there twice."""

from typing import Any

from vera_ros.nodes.policy.arm_watch import ArmWatch


def find_doubles(node: Any, arm_watch: ArmWatch) -> str:
    """Return which of the graph's nodes is there twice, in words; empty: none.

    Args:
        node: the rclpy node of the policy_node.
        arm_watch: hears the ik_nodes.
    """
    policies = node.get_publishers_info_by_topic("policy_status")
    if len(policies) > 1:  # one that was killed counts until the middleware has noticed
        names = [f"{end.node_namespace.rstrip('/')}/{end.node_name}" for end in policies]
        return (
            f"{len(names)} nodes publish policy_status, {', '.join(sorted(names))}: the same "
            "graph runs twice, or two graphs share their topics; stop one, or give each a "
            "namespace of its own"
        )
    return arm_watch.double()
