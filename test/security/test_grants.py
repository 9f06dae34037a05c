# SPDX-License-Identifier: Apache-2.0
"""Policies grant what the real nodes use, and nothing more."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn

from vera_ros.bringup.enclaves import enclave_of
from vera_ros.bringup.graph import NodeSpec, command, nodes
from vera_ros.bringup.graph_options import GraphOptions
from vera_ros.bringup.interfaces import Interfaces
from vera_ros.bringup.isolation import free_port
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.ik_node import IkNode
from vera_ros.nodes.judge_node import JudgeNode
from vera_ros.nodes.policy_node import PolicyNode
from vera_ros.nodes.reference_server import ReferenceServer
from vera_ros.nodes.server_node import ServerNode
from vera_ros.nodes.sim_node import SimNode
from vera_ros.security.grants import Grant, grants, names_in_graph

PATIENCE_S = 20.0
KINDS: dict[str, Callable[..., VeraNode]] = {
    "ik_node": IkNode,
    "judge_node": JudgeNode,
    "policy_node": PolicyNode,
    "reference_server": ReferenceServer,
    "server_node": ServerNode,
    "sim_node": SimNode,
}
GOAL = "/_action/send_goal"
URDF = Path(__file__).parents[2] / "description" / "urdf" / "panda.urdf"


@pytest.fixture
def context(ros_domain: int) -> Iterator[Context]:
    made = Context()
    rclpy.init(context=made)
    yield made
    rclpy.shutdown(context=made)


def used(observer: Any, node: VeraNode) -> Interfaces:
    """What a node really uses, as the graph has it."""

    def names(get: Callable[[str, str], list[tuple[str, list[str]]]]) -> frozenset[str]:
        return frozenset(each for each, _ in get(node.get_name(), node.get_namespace()))

    def plain(all_names: frozenset[str]) -> frozenset[str]:
        return frozenset(each for each in all_names if "/_action/" not in each)

    def actions(services: frozenset[str]) -> frozenset[str]:
        return frozenset(each.removesuffix(GOAL) for each in services if each.endswith(GOAL))

    served = names(observer.get_service_names_and_types_by_node)
    called = names(observer.get_client_names_and_types_by_node)
    return Interfaces(
        plain(names(observer.get_publisher_names_and_types_by_node)),
        plain(names(observer.get_subscriber_names_and_types_by_node)),
        plain(served),
        plain(called),
        actions(served),
        actions(called),
    )


def check(spec: NodeSpec, namespace: str, context: Context, folder: Path) -> Interfaces:
    """Start the real node, and compare what it uses with what it is granted."""
    granted = replace(names_in_graph(spec, namespace), operated=frozenset())
    by_hand = replace(spec, parameters={**spec.parameters, "autostart": False})
    arguments = command(by_hand, namespace, folder)[2:]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", arguments)  # where nodes look for their parameter files
        node = KINDS[spec.executable](context=context, cli_args=arguments[1:])
    observer = rclpy.create_node("observer_of_names", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS, node.fault
        if not node.waiting_to_start():
            assert node.trigger_activate() is TransitionCallbackReturn.SUCCESS, node.fault
        deadline_s = time.monotonic() + PATIENCE_S
        while used(observer, node) != granted and time.monotonic() < deadline_s:
            executor.spin_once(timeout_sec=0.05)
        assert used(observer, node) == granted
    finally:
        node.release()
        executor.shutdown()
        observer.destroy_node()
        node.destroy_node()
    return granted


def graph(**options: Any) -> dict[str, NodeSpec]:
    url = f"ws://127.0.0.1:{free_port()}"
    return {spec.name: spec for spec in nodes(GraphOptions(server_url=url, **options))}


@pytest.mark.parametrize(
    "name", ["reference_server", "sim_node", "judge_node", "ik_node", "policy_node"]
)
def test_nodes_of_the_plain_graph_use_all_that_they_are_granted_and_nothing_else(
    name: str, context: Context, tmp_path: Path
) -> None:
    check(graph()[name], "", context, tmp_path)


@pytest.mark.parametrize("name", ["sim_node", "judge_node", "ik_node", "policy_node"])
def test_so_do_they_in_lockstep_in_a_namespace(name: str, context: Context, tmp_path: Path) -> None:
    granted = check(graph(lockstep=True)[name], "/cell/left", context, tmp_path)
    assert "/cell/left/clock" in granted.subscribes
    assert "/clock" not in granted.subscribes | granted.publishes


MINE = """\
/**:
  ros__parameters:
    remappings:
      - arm_controller/joint_trajectory:=/panda/commands
      - agentview/image_raw/compressed:=/front/color/compressed
      - hold:=/stop_button
      - joint_states:=/joint_states
/**/ik_node:
  ros__parameters: {gripper_joint: "", dry_run: %s, workspace_lower: [-1.0, -1.0, -1.0]}
/**/policy_node:
  ros__parameters: {image_transport: compressed}
"""


@pytest.mark.parametrize("dry_run", [False, True])
def test_remappings_and_parameters_change_what_they_are_granted(
    dry_run: bool, context: Context, tmp_path: Path
) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text(MINE % str(dry_run).lower())
    specs = graph(robot="real", server="attach", config=config, robot_description=URDF.read_text())
    ik = check(specs["ik_node"], "left", context, tmp_path)
    policy = check(specs["policy_node"], "left", context, tmp_path)
    assert ("/panda/commands" in ik.publishes) is not dry_run
    assert {"/stop_button", "/joint_states", "/left/robot_fault"} <= ik.subscribes
    assert "/stop_button" in ik.serves  # remappings know no kinds: the earlier name goes as well
    assert "/left/ik_node/hold" in ik.serves
    assert not [name for name in ik.publishes | ik.requests if "gripper" in name]
    assert policy.subscribes >= {
        "/front/color/compressed",
        "/left/robot0_eye_in_hand/image_raw/compressed",
    }


def test_trajectories_by_action_are_granted_as_actions(context: Context, tmp_path: Path) -> None:
    pytest.importorskip("control_msgs.action", reason="needs control_msgs of a ROS installation")
    by_action = {"arm_output": "action", "gripper_output": "action"}
    specs = graph(parameters={"ik_node": by_action})
    granted = check(specs["ik_node"], "", context, tmp_path)
    assert not [name for name in granted.publishes if name.endswith("joint_trajectory")]
    assert granted.requests == {
        "/arm_controller/follow_joint_trajectory",
        "/gripper_controller/gripper_cmd",
    }


def test_the_server_starters_node_uses_what_it_is_granted(context: Context, tmp_path: Path) -> None:
    attached = {"server_node": {"server_mode": "attach"}}
    check(graph(server="subprocess", parameters=attached)["server_node"], "", context, tmp_path)


# Who may do what.


@pytest.fixture(scope="module")
def granted() -> Mapping[str, Grant]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "OFF")
        return {grant.name: grant for grant in grants(graph().values(), "left")}


def holders(granted: Mapping[str, Grant], right: str, name: str) -> set[str]:
    """Whose grants name this one, or a pattern that it matches."""
    return {
        grant.name
        for grant in granted.values()
        if any(fnmatchcase(name, pattern) for pattern in getattr(grant.names, right))
    }


@pytest.mark.parametrize("service", ["hold", "release", "approve", "discard", "move_to_start"])
@pytest.mark.parametrize("prefix", ["/left/ik_node", "/left"])
def test_only_a_person_may_call_what_a_person_decides(
    service: str, prefix: str, granted: Mapping[str, Grant]
) -> None:
    assert holders(granted, "calls", f"{prefix}/{service}") == {"operator"}
    assert holders(granted, "serves", f"{prefix}/{service}") == {"ik_node"}


@pytest.mark.parametrize(
    ("topic", "publisher"),
    [
        ("/left/action_chunk", "policy_node"),
        ("/left/arm_controller/joint_trajectory", "ik_node"),
        ("/left/gripper_controller/joint_trajectory", "ik_node"),
        ("/left/chunk_progress", "ik_node"),
        ("/left/arm_status", "ik_node"),
        ("/left/joint_states", "sim_node"),
        ("/left/hold", "operator"),
        ("/left/robot_description", "robot_state_publisher"),
    ],
)
def test_each_topic_that_moves_the_arm_has_one_publisher(
    topic: str, publisher: str, granted: Mapping[str, Grant]
) -> None:
    assert holders(granted, "publishes", topic) == {publisher}


def test_only_a_person_may_send_goals_set_parameters_or_change_states(
    granted: Mapping[str, Grant],
) -> None:
    assert holders(granted, "requests", "/left/execute_task") == {"operator"}
    for node in ("ik_node", "policy_node", "sim_node"):
        for service in ("set_parameters", "set_parameters_atomically", "change_state"):
            assert holders(granted, "calls", f"/left/{node}/{service}") == {"operator"}


def test_the_policy_may_stop_the_arm_but_not_let_it_go(granted: Mapping[str, Grant]) -> None:
    assert granted["policy_node"].names.calls == {"/left/ik_node/stop"}


def test_an_observer_reads_all_and_changes_nothing(granted: Mapping[str, Grant]) -> None:
    observer = granted["observer"].names
    assert observer.publishes == {"/rosout", "/parameter_events"}
    assert not observer.calls | observer.requests | observer.executes
    for grant in granted.values():
        assert grant.names.publishes <= observer.subscribes


def test_enclaves_are_those_that_the_nodes_are_started_with(granted: Mapping[str, Grant]) -> None:
    for name in ("ik_node", "policy_node", "operator", "observer"):
        assert granted[name].enclave == enclave_of("/left/", name) == f"/vera_ros/left/{name}"


def test_a_real_arm_describes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "OFF")
    names = {grant.name for grant in grants(graph(robot="real", server="attach").values(), "")}
    assert names == {"ik_node", "policy_node", "operator", "observer"}
