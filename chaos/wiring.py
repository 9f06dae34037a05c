# SPDX-License-Identifier: Apache-2.0
"""How the simulated system is wired when faults are to strike: what goes through which middleman.

sim_node publishes what its sensors say under names of their own; the relay passes that on to the
names that everybody listens to. policy_node reaches the policy server through the proxy.
"""

from dataclasses import replace

from vera_ros.graph import GraphOptions, NodeSpec, Value, nodes
from vera_ros.nodes.policy_parameters import PARAMETERS as POLICY_PARAMETERS

_TRUE = "true"
JOINT_STATES = "joint_states"
IMAGES = {
    "agentview": "agentview/image_raw",
    "robot0_eye_in_hand": "robot0_eye_in_hand/image_raw",
}
TRUE_JOINT_STATES = f"{_TRUE}/{JOINT_STATES}"

_ON_CONNECTION_LOST = "on_connection_lost"
SILENCE_S = 3.0
# So that a silent server is noticed within seconds; the reference policy thinks for a tenth of one.
_IMPATIENT: dict[str, Value] = {
    "connect_timeout_s": 10.0,
    "infer_timeout_s": SILENCE_S,
    "ping_interval_s": 1.0,
    "ping_timeout_s": SILENCE_S,
}


def true_name(topic: str) -> str:
    """Where sim_node publishes what the relay passes on to this topic."""
    return f"{_TRUE}/{topic}"


def restarts_episodes() -> bool:
    """Whether policy_node can restart an episode after a lost connection."""
    return any(parameter.name == _ON_CONNECTION_LOST for parameter in POLICY_PARAMETERS)


def specs(server_url: str, proxy_url: str, seed: int) -> tuple[NodeSpec, ...]:
    """The nodes of the simulated system, wired for faults.

    Args:
        server_url: where the reference server listens.
        proxy_url: where policy_node connects to.
        seed: of the first scene.
    """
    policy: dict[str, Value] = {**_IMPATIENT, "server_url": proxy_url}
    if restarts_episodes():
        policy[_ON_CONNECTION_LOST] = "restart"
    options = GraphOptions(
        server_url=server_url, seed=seed, judge=False, parameters={"policy_node": policy}
    )
    return tuple(_through_relay(spec) for spec in nodes(options))


def _through_relay(spec: NodeSpec) -> NodeSpec:
    if spec.name != "sim_node":
        return spec
    topics = (JOINT_STATES, *IMAGES.values())
    own = tuple((topic, true_name(topic)) for topic in topics)
    return replace(spec, remappings=(*spec.remappings, *own))
