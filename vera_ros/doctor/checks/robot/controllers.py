# SPDX-License-Identifier: Apache-2.0
"""Checks of nodes, controllers and other publishers of trajectories."""

import importlib.util
from collections import Counter

from vera_ros.doctor.facts.configuration import Configuration
from vera_ros.doctor.facts.context import NO_ROBOT_YET, Context
from vera_ros.doctor.facts.graph import FROM_LAST_COMMAND, ControllerFacts, GraphFacts, Topic
from vera_ros.doctor.finding import Finding, failure, not_checked, not_needed, ok, warning

_TRAJECTORY = "trajectory_msgs/msg/JointTrajectory"
_ACTIONS = {
    "arm": "control_msgs/action/FollowJointTrajectory",
    "gripper": "control_msgs/action/GripperCommand",
}
_LIST = "ros2 control list_controllers"
_OWN_NODES = ("policy_node", "ik_node", "sim_node", "judge_node", "reference_server", "server_node")


def check_nodes(context: Context) -> list[Finding]:
    """Check the nodes that run."""
    return [judge_nodes(context.observe_graph(), context.options.prefix)]


def check(context: Context) -> list[Finding]:
    """Check the controllers of arm and gripper."""
    configuration, facts = context.configuration, context.graph
    if not context.robot_is_up:
        return [not_needed("controllers", NO_ROBOT_YET)]
    have_control_msgs = importlib.util.find_spec("control_msgs") is not None
    findings = []
    for part in ("arm", "gripper"):
        if part == "gripper" and not configuration.ik["gripper_joint"]:
            findings.append(not_needed("gripper controller", "gripper_joint is empty"))
        elif configuration.ik[f"{part}_output"] == "action":
            findings.append(judge_action(part, facts, have_control_msgs))
        else:
            findings.append(judge_topic(part, facts))
    return [*findings, *judge_manager(configuration, facts), *judge_rivals(facts)]


def judge_nodes(facts: GraphFacts, prefix: str) -> Finding:
    """Check that no two nodes share a name: two ik_nodes would both move the arm."""
    twice = sorted(name for name, count in Counter(facts.nodes).items() if count > 1)
    own = [name for name in _OWN_NODES if facts.runs(f"{prefix}/{name}")]
    if twice:
        return failure(
            "nodes",
            f"two nodes have the same name: {', '.join(twice)}",
            "stop one of them, or give it another namespace or ROS_DOMAIN_ID",
        )
    others = len(facts.nodes) - len(own)
    return ok(
        "nodes",
        f"{', '.join(own) if own else 'none of vera_ros'}"
        + (f", and {others} other{'s' if others > 1 else ''}" if others else ""),
    )


def judge_topic(part: str, facts: GraphFacts) -> Finding:
    """Check that a controller subscribes to the trajectories, with the type and QoS of ik_node."""
    topic = _topic(part, facts)
    name = f"{part} controller"
    if not topic.subscribers:
        return failure(
            name,
            f"nothing subscribes to {topic.name}",
            f"start the controller ({_LIST} names yours), or remap "
            f"{part}_controller/joint_trajectory in the parameter file",
        )
    fitting = [end for end in topic.subscribers if end.type == _TRAJECTORY]
    if not fitting:
        kinds = ", ".join(sorted({end.type for end in topic.subscribers}))
        return failure(
            name,
            f"{topic.name} is subscribed to as {kinds}; ik_node sends {_TRAJECTORY}",
            f"remap {part}_controller/joint_trajectory to a joint_trajectory_controller's topic",
        )
    latched = [end.node for end in fitting if end.latched]
    if len(latched) == len(fitting):
        return failure(
            name,
            f"{', '.join(latched)} requests {topic.name} latched (transient local), which ik_node "
            "does not offer: nothing arrives",
            "have the controller subscribe with durability volatile",
        )
    return ok(name, f"{', '.join(sorted({end.node for end in fitting}))} listens to {topic.name}")


def judge_action(part: str, facts: GraphFacts, have_control_msgs: bool) -> Finding:
    """Check that the action has a server, of the right type."""
    action = facts.arm_action if part == "arm" else facts.gripper_action
    name = f"{part} controller"
    if not have_control_msgs:
        return failure(
            name,
            f"{part}_output is action, which needs control_msgs",
            "sudo apt-get install ros-$ROS_DISTRO-control-msgs, or set "
            f"{part}_output: topic in the parameter file",
        )
    if action not in facts.actions:
        return failure(
            name,
            f"nothing serves the action {action}",
            f"start the controller (ros2 action list names yours), or remap {part}_controller/… in "
            "the parameter file",
        )
    if facts.actions[action] != _ACTIONS[part]:
        return failure(
            name,
            f"{action} is a {facts.actions[action]}; ik_node needs {_ACTIONS[part]}",
            "remap to another action in the parameter file",
        )
    return ok(name, f"the action {action} is served")


def judge_manager(configuration: Configuration, facts: GraphFacts) -> list[Finding]:
    """Check that the controllers are active, and that the arm's moves it as ik_node assumes."""
    name = "controller_manager"
    own = _controller_name("arm", configuration, facts)
    if not facts.manager:
        return [
            not_checked(name, "no controller_manager in the graph"),
            *_judge_parameters(own, facts),
        ]
    if facts.manager_problem:
        return [not_checked(name, facts.manager_problem), *_judge_parameters(own, facts)]
    found = {controller.name: controller for controller in facts.controllers}
    if own not in found:
        by_action = configuration.ik["arm_output"] == "action"
        output = "follow_joint_trajectory" if by_action else "joint_trajectory"
        return [
            failure(
                name,
                f"it has no controller '{own}'; it has {', '.join(sorted(found)) or 'none'}",
                f"remap arm_controller/{output} to one of them in the parameter file",
            )
        ]
    findings = [_judge_controller(found[own], configuration), *_judge_parameters(own, facts)]
    # A gripper's driver may do without ros2_control.
    gripper = found.get(_controller_name("gripper", configuration, facts))
    if configuration.ik["gripper_joint"] and gripper is not None and gripper.state != "active":
        findings.append(_inactive(gripper))
    return findings


def judge_rivals(facts: GraphFacts) -> list[Finding]:
    """Check that only ik_node publishes trajectories; empty: all is well."""
    rivals = sorted(
        {
            f"{end.node} ({topic.name})"
            for topic in (facts.arm, facts.gripper)
            for end in topic.publishers
            if not end.node.endswith("/ik_node")
        }
    )
    if not rivals:
        return []
    return [
        warning(
            "other motion",
            f"nodes other than ik_node can move the arm: {', '.join(rivals)}",
            "stop them while vera_ros moves the arm",
        )
    ]


def _judge_controller(controller: ControllerFacts, configuration: Configuration) -> Finding:
    name = "controller_manager"
    if controller.state != "active":
        return _inactive(controller)
    joints = configuration.ik["joint_names"]
    moved = {interface.rsplit("/", 1)[0] for interface in controller.claimed}
    missing = [joint for joint in joints if joint not in moved]
    if missing:
        return failure(
            name,
            f"'{controller.name}' does not move {', '.join(missing)}; it claims "
            f"{', '.join(controller.claimed) or 'nothing'}",
            "correct joint_names in the parameter file, or the controller's joints",
        )
    kinds = sorted({interface.rsplit("/", 1)[-1] for interface in controller.claimed})
    return ok(name, f"'{controller.name}' is active ({controller.type}, {', '.join(kinds)})")


def _judge_parameters(controller: str, facts: GraphFacts) -> list[Finding]:
    """Check the parameters of the arm's controller; empty: it returned none."""
    name, parameters = "controller parameters", facts.arm_parameters
    if not parameters:
        return []
    wrong = []
    if parameters.get("interpolation_method", "splines") != "splines":
        wrong.append(f"interpolation_method is {parameters['interpolation_method']}, not splines")
    starts = {key: parameters[key] for key in FROM_LAST_COMMAND if key in parameters}
    if starts and True not in starts.values():
        wrong.append(
            f"{' and '.join(starts)} is false: the first trajectory after an activation steps to "
            "the measured state"
        )
    if wrong:
        return [
            warning(
                name,
                "; ".join(wrong),
                f"correct this in the parameter file of '{controller}'",
            )
        ]
    return [ok(name, ", ".join(f"{key} {parameters[key]}" for key in sorted(parameters)))]


def _inactive(controller: ControllerFacts) -> Finding:
    return failure(
        "controller_manager",
        f"'{controller.name}' is {controller.state}",
        f"ros2 control set_controller_state {controller.name} active",
    )


def _controller_name(part: str, configuration: Configuration, facts: GraphFacts) -> str:
    """Return the name of a part's controller, which its topic or action begins with."""
    actions = {"arm": facts.arm_action, "gripper": facts.gripper_action}
    by_action = configuration.ik[f"{part}_output"] == "action"
    name = actions[part] if by_action else _topic(part, facts).name
    return name.rsplit("/", 2)[-2]


def _topic(part: str, facts: GraphFacts) -> Topic:
    return facts.arm if part == "arm" else facts.gripper
