# SPDX-License-Identifier: Apache-2.0
"""Topics, services and actions of each node, by the node's parameters."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from vera_ros.robots.registry import find_robot

Values = Mapping[str, Any]
Names = frozenset[str]


@dataclass(frozen=True)
class Interfaces:
    """Names that a node uses, as it passes them to rclpy: absolute, relative, or after `~/`.

    Attributes:
        publishes: topics.
        subscribes: topics.
        serves: services.
        calls: services.
        executes: actions.
        requests: actions that it sends goals to.
        operated: those of `subscribes` that people publish on.
    """

    publishes: Names = frozenset()
    subscribes: Names = frozenset()
    serves: Names = frozenset()
    calls: Names = frozenset()
    executes: Names = frozenset()
    requests: Names = frozenset()
    operated: Names = frozenset()

    def __or__(self, other: "Interfaces") -> "Interfaces":
        """Return the names of both."""
        return Interfaces(
            *(getattr(self, each.name) | getattr(other, each.name) for each in fields(self))
        )


_PARAMETERS = Interfaces(
    publishes=frozenset({"/parameter_events"}),
    serves=frozenset(
        f"~/{name}"
        for name in (
            *("describe_parameters", "get_parameter_types", "get_parameters", "list_parameters"),
            *("set_parameters", "set_parameters_atomically"),
        )
    ),
)
_LOG = Interfaces(publishes=frozenset({"/rosout"}))
_TYPES = Interfaces(serves=frozenset({"~/get_type_description"}))
_LIFECYCLE = Interfaces(
    publishes=frozenset({"~/transition_event"}),
    serves=frozenset(
        f"~/{name}"
        for name in (
            *("change_state", "get_state", "get_available_states", "get_available_transitions"),
            "get_transition_graph",
        )
    ),
)
ROS_NODE = _PARAMETERS | _LOG | _TYPES  # what every node of rclpy and rclcpp has
_VERA_NODE = ROS_NODE | _LIFECYCLE | Interfaces(publishes=frozenset({"/diagnostics"}))
_FOLLOWS_CLOCK = Interfaces(subscribes=frozenset({"/clock"}))


def interfaces(node: str, values: Values) -> Interfaces:
    """Return what a node uses once it is active.

    Args:
        node: its executable.
        values: its parameters by name; `use_sim_time` included.
    """
    clock = _FOLLOWS_CLOCK if values["use_sim_time"] else Interfaces()
    return _VERA_NODE | clock | _OWN[node](values)


def every_name(embodiment: str, view_topics: Iterable[str], state_topics: Iterable[str]) -> Names:
    """Return the names that the nodes use with any parameters.

    Args:
        embodiment: one with a scene, for sim_node's topics.
        view_topics: of policy_node.
        state_topics: robot_state_topic of ik_node, in each case.
    """
    always = {
        "use_sim_time": True,
        "embodiment": embodiment,
        "publish_clock": True,
        "lockstep": True,
        "view_topics": list(view_topics),
        "robot_description": "",
        "robot_state_topic": "",
        "dry_run": False,
        "gripper_joint": "any",
    }
    found: set[str] = set(state_topics)
    for transport, output in (("raw", "topic"), ("compressed", "action")):
        chosen = {"image_transport": transport, "arm_output": output, "gripper_output": output}
        for node in _OWN:
            used = interfaces(node, always | chosen)
            names = {name for each in fields(used) for name in getattr(used, each.name)}
            found |= names | {name.replace("~", node, 1) for name in names}
    return frozenset(found)


def _policy_node(p: Values) -> Interfaces:
    ending = "/compressed" if p["image_transport"] == "compressed" else ""
    return Interfaces(
        publishes=frozenset({"action_chunk", "policy_status", "status_marker"}),
        subscribes=frozenset(
            {
                *("arm_status", "chunk_progress", "joint_states", "task_success", "tcp_pose"),
                *(f"{topic}{ending}" for topic in p["view_topics"]),
            }
        ),
        serves=_offered("pause", "reload", "resume"),
        calls=_chosen({"ik_node/stop": True, "sim_node/advance_time": p["lockstep"]}),
        executes=frozenset({"execute_task"}),
        operated=frozenset({"task_success"}),
    )


def _ik_node(p: Values) -> Interfaces:
    arm = "" if p["dry_run"] else p["arm_output"]
    gripper = "" if p["dry_run"] or not p["gripper_joint"] else p["gripper_output"]
    return Interfaces(
        publishes=frozenset(
            {"arm_status", "chunk_progress", "executed_path", "planned_path", "tcp_pose"}
        )
        | _chosen(
            {
                "arm_controller/joint_trajectory": arm == "topic",
                "gripper_controller/joint_trajectory": gripper == "topic",
            }
        ),
        subscribes=frozenset({"action_chunk", "arm_status", "hold", "joint_states", "robot_fault"})
        | _chosen(
            {
                "robot_description": not p["robot_description"],
                p["robot_state_topic"]: bool(p["robot_state_topic"]),
            }
        ),
        serves=_offered("approve", "discard", "hold", "move_to_start", "release", "stop"),
        requests=_chosen(
            {
                "arm_controller/follow_joint_trajectory": arm == "action",
                "gripper_controller/gripper_cmd": gripper == "action",
            }
        ),
        operated=frozenset({"hold"}),
    )


def _sim_node(p: Values) -> Interfaces:
    robot = find_robot(p["embodiment"])
    cameras = (
        f"{camera}/{topic}"
        for camera in robot.view_topics.values()
        for topic in ("image_raw", "camera_info")
    )
    controllers = robot.simulator.controllers
    return Interfaces(
        publishes=frozenset({"joint_states", "stack_truth", "task_truth", *cameras})
        | _chosen({"/clock": p["publish_clock"]}),
        subscribes=frozenset(f"{name}_controller/joint_trajectory" for name in controllers),
        serves=_offered("reset_scene", *["advance_time"] * p["lockstep"]),
    )


def _judge_node(p: Values) -> Interfaces:
    return Interfaces(
        publishes=frozenset({"task_success"}),
        subscribes=_chosen({"task_truth": True, "policy_status": p["lockstep"]}),
    )


def _of_a_server(_: Values) -> Interfaces:
    return Interfaces()  # policy_node reaches it by websocket


_OWN: dict[str, Callable[[Values], Interfaces]] = {
    "policy_node": _policy_node,
    "ik_node": _ik_node,
    "sim_node": _sim_node,
    "judge_node": _judge_node,
    "reference_server": _of_a_server,
    "server_node": _of_a_server,
}


def _offered(*names: str) -> Names:
    """Return the services of VeraNode.offer: each also under its earlier name."""
    return frozenset(full for name in names for full in (f"~/{name}", name))


def _chosen(names: Mapping[str, bool]) -> Names:
    return frozenset(name for name, used in names.items() if used)
