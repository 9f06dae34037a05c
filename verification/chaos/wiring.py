# SPDX-License-Identifier: Apache-2.0
"""Topic remappings that route the simulated system through the relay and the fault proxy.

sim_node publishes its sensor data on topics of its own, and the relay republishes them on the
topics that the other nodes subscribe to. Trajectories for sim_node's controllers and the topics
between policy_node and ik_node take the same route, so that sim_node, ik_node and policy_node can
each have a clock of its own. policy_node connects to the policy server through the proxy.
"""

from collections.abc import Iterable
from dataclasses import replace

from vera_ros.bringup.graph import NodeSpec, nodes
from vera_ros.bringup.graph_options import GraphOptions, Value
from vera_ros.robots.registry import find_robot

EMBODIMENTS = ("mimicgen", "allegro")  # whose robots the monitor knows
_TRUE, _POLICY_SIDE = "true", "policy_side"
JOINT_STATES = "joint_states"
TRAJECTORIES = {name: f"{name}_controller/joint_trajectory" for name in ("arm", "gripper")}
TO_POLICY = ("chunk_progress", "arm_status", "tcp_pose", JOINT_STATES)
FROM_POLICY = "action_chunk"
TRUE_JOINT_STATES = f"{_TRUE}/{JOINT_STATES}"

_SILENCE_S = 3.0
# Detects a silent server within seconds; the reference policy responds within 0.1 s.
_SHORT_TIMEOUTS: dict[str, Value] = {
    "connect_timeout_s": 10.0,
    "infer_timeout_s": _SILENCE_S,
    "ping_interval_s": 1.0,
    "ping_timeout_s": _SILENCE_S,
    "server_slow_s": 0.5,
}


def true_name(topic: str) -> str:
    """Return the topic between sim_node and the relay that corresponds to a topic of the system."""
    return f"{_TRUE}/{topic}"


def policy_name(topic: str) -> str:
    """Return the topic between policy_node and the relay that corresponds to this topic."""
    return f"{_POLICY_SIDE}/{topic}"


def images(embodiment: str) -> dict[str, str]:
    """Return the topic of each view's pictures, by the base of its topics."""
    return {topic: f"{topic}/image_raw" for topic in find_robot(embodiment).view_topics.values()}


def specs(
    server_url: str, proxy_url: str, seed: int, embodiment: str, arm: str
) -> tuple[NodeSpec, ...]:
    """Return the nodes of the simulated system, routed through relay and proxy.

    Args:
        server_url: URL on which the reference server listens.
        proxy_url: URL of the fault proxy, to which policy_node connects.
        seed: seed of the first scene.
        embodiment: which robot kind.
        arm: which arm, a name in config/arms; empty: the embodiment's own robot.
    """
    policy = {**_SHORT_TIMEOUTS, "server_url": proxy_url, "on_connection_lost": "restart"}
    options = GraphOptions(
        server_url=server_url,
        seed=seed,
        embodiment=embodiment,
        arm=arm,
        judge=False,
        parameters={"policy_node": policy},
    )
    return tuple(_through_relay(spec, images(embodiment).values()) for spec in nodes(options))


def _through_relay(spec: NodeSpec, pictures: Iterable[str]) -> NodeSpec:
    topics: dict[str, str] = {}
    if spec.name == "sim_node":
        names = (JOINT_STATES, *pictures, *TRAJECTORIES.values())
        topics = {topic: true_name(topic) for topic in names}
    elif spec.name == "policy_node":
        topics = {topic: policy_name(topic) for topic in (*TO_POLICY, FROM_POLICY)}
    return replace(spec, remappings=(*spec.remappings, *topics.items()))
