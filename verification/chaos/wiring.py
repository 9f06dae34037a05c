# SPDX-License-Identifier: Apache-2.0
"""How the simulated system is wired when faults are to strike: what goes through which middleman.

sim_node publishes what its sensors say under names of their own; the relay passes that on to the
names that everybody listens to. The same holds for what its controllers are told, and for all that
policy_node and the arm's side tell each other, so that each of the three may have a clock of its
own. policy_node reaches the policy server through the proxy.
"""

from dataclasses import replace

from vera_ros.bringup.graph import NodeSpec, nodes
from vera_ros.bringup.graph_options import GraphOptions, Value

_TRUE, _POLICY_SIDE = "true", "policy_side"
JOINT_STATES = "joint_states"
TRAJECTORIES = {name: f"{name}_controller/joint_trajectory" for name in ("arm", "gripper")}
TO_POLICY = ("chunk_progress", "arm_status", "tcp_pose", JOINT_STATES)
FROM_POLICY = "action_chunk"
IMAGES = {
    "agentview": "agentview/image_raw",
    "robot0_eye_in_hand": "robot0_eye_in_hand/image_raw",
}
TRUE_JOINT_STATES = f"{_TRUE}/{JOINT_STATES}"

_SILENCE_S = 3.0
# So that a silent server is noticed within seconds; the reference policy thinks for a tenth of one.
_IMPATIENT: dict[str, Value] = {
    "connect_timeout_s": 10.0,
    "infer_timeout_s": _SILENCE_S,
    "ping_interval_s": 1.0,
    "ping_timeout_s": _SILENCE_S,
    "server_slow_s": 0.5,
}


def true_name(topic: str) -> str:
    """Where sim_node says, or is told, what the relay passes on from or to this topic."""
    return f"{_TRUE}/{topic}"


def policy_name(topic: str) -> str:
    """The topic as policy_node has it, beyond the relay."""
    return f"{_POLICY_SIDE}/{topic}"


def specs(server_url: str, proxy_url: str, seed: int) -> tuple[NodeSpec, ...]:
    """The nodes of the simulated system, wired for faults.

    Args:
        server_url: where the reference server listens.
        proxy_url: where policy_node connects to.
        seed: of the first scene.
    """
    policy = {**_IMPATIENT, "server_url": proxy_url, "on_connection_lost": "restart"}
    options = GraphOptions(
        server_url=server_url, seed=seed, judge=False, parameters={"policy_node": policy}
    )
    return tuple(_through_relay(spec) for spec in nodes(options))


def _through_relay(spec: NodeSpec) -> NodeSpec:
    topics: dict[str, str] = {}
    if spec.name == "sim_node":
        names = (JOINT_STATES, *IMAGES.values(), *TRAJECTORIES.values())
        topics = {topic: true_name(topic) for topic in names}
    elif spec.name == "policy_node":
        topics = {topic: policy_name(topic) for topic in (*TO_POLICY, FROM_POLICY)}
    return replace(spec, remappings=(*spec.remappings, *topics.items()))
