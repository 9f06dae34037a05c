# SPDX-License-Identifier: Apache-2.0
"""Whatever process is killed, the arm comes to rest, the others say so, and it may join again."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from vera_ros.graph import GraphOptions, NodeSpec, command, nodes
from vera_ros.nodes.conversions import duration_to_seconds, stamp_to_ns
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ChunkProgress, PolicyStatus

if TYPE_CHECKING:
    from test.ros_helpers import Operator, Processes, write_patient_config
else:
    from ros_helpers import Operator, Processes, write_patient_config

REST_RAD_S = 0.01
Result = ExecuteTask.Result


class Graph:
    """A running graph whose processes may be killed and started again."""

    def __init__(self, folder: Path, server_url: str, processes: Processes) -> None:
        self._folder = folder
        self._processes = processes
        self._specs = {
            spec.name: spec
            for spec in nodes(
                GraphOptions(server_url=server_url, config=write_patient_config(folder))
            )
        }
        for name in self._specs:
            self.start(name)

    @property
    def names(self) -> list[str]:
        return list(self._specs)

    def start(self, name: str) -> None:
        spec: NodeSpec = self._specs[name]
        self._processes.start(name, command(spec, "", self._folder))

    def kill(self, name: str) -> None:
        self._processes.kill(name)

    def signal(self, name: str, number: int) -> None:
        self._processes.send(name, number)


@pytest.fixture
def operator(ros_domain: int) -> Iterator[Operator]:
    with Operator() as operator:
        for topic, kind in (
            ("joint_states", JointState),
            ("arm_controller/joint_trajectory", JointTrajectory),
            ("chunk_progress", ChunkProgress),
            ("policy_status", PolicyStatus),
            ("tcp_pose", PoseStamped),
        ):
            operator.listen(topic, kind, 100)
        yield operator


@pytest.fixture
def graph(ros_domain: int, server_url: str, tmp_path: Path, operator: Operator) -> Iterator[Graph]:
    with Processes(tmp_path) as processes:
        graph = Graph(tmp_path, server_url, processes)
        operator.wait_until_active(graph.names)
        yield graph


def play(operator: Operator) -> None:
    """A goal whose arm moves. On a busy machine a trajectory may come too late: then another."""
    heard, ended = operator.heard["chunk_progress"], (ChunkProgress.ABORTED, ChunkProgress.REJECTED)

    def states() -> set[int]:
        return {message.state for message in heard[seen:]}

    while True:
        operator.wait_until(lambda: operator.give_goal(time_limit_s=120.0), "an accepted goal")
        seen = len(heard)
        operator.wait_until(lambda: states() & {ChunkProgress.PLAYING, *ended}, "a step")
        if not states() & {*ended}:
            return
        operator.wait_for_result()


def speed(operator: Operator) -> float:
    return float(np.abs(operator.heard["joint_states"][-1].velocity[:7]).max())


def wait_for_rest(operator: Operator) -> None:
    """The plan that was sent last is over, and the arm stands at its end."""
    last = operator.heard["arm_controller/joint_trajectory"][-1]
    ends_ns = stamp_to_ns(last.header.stamp) + round(
        duration_to_seconds(last.points[-1].time_from_start) * 1e9
    )
    states = operator.heard["joint_states"]
    operator.wait_until(
        lambda: stamp_to_ns(states[-1].header.stamp) > ends_ns and speed(operator) < REST_RAD_S,
        "the arm to rest at the end of its plan",
    )
    np.testing.assert_allclose(states[-1].position[:7], last.points[-1].positions, atol=0.02)


def goal_goes_on(operator: Operator) -> None:
    """A new goal is played."""
    play(operator)
    operator.cancel()
    assert operator.wait_for_result().outcome == Result.CANCELLED


def test_without_policy_node_the_plan_ends_at_rest_and_another_one_joins(
    graph: Graph, operator: Operator
) -> None:
    play(operator)
    graph.kill("policy_node")
    wait_for_rest(operator)
    graph.start("policy_node")
    operator.wait_until_active(graph.names)
    goal_goes_on(operator)


def test_without_ik_node_the_plan_ends_at_rest_and_another_one_joins(
    graph: Graph, operator: Operator
) -> None:
    play(operator)
    graph.kill("ik_node")
    wait_for_rest(operator)
    result = operator.wait_for_result()
    assert (result.outcome, result.cause) == (Result.ABORTED, PolicyStatus.ARM_SILENT)
    graph.start("ik_node")
    operator.wait_until_active(graph.names)
    goal_goes_on(operator)


def test_without_the_server_the_episode_ends_and_another_server_is_found(
    graph: Graph, operator: Operator
) -> None:
    play(operator)
    graph.kill("reference_server")
    result = operator.wait_for_result()
    assert result.outcome == Result.ABORTED
    assert result.cause in (PolicyStatus.CONNECTION_LOST, PolicyStatus.NO_SERVER)
    wait_for_rest(operator)
    graph.start("reference_server")
    operator.wait_until_active(graph.names)
    goal_goes_on(operator)


def test_without_the_arm_both_nodes_say_so_and_go_on_with_another_one(
    graph: Graph, operator: Operator
) -> None:
    play(operator)
    graph.kill("sim_node")
    result = operator.wait_for_result()
    assert result.outcome == Result.ABORTED
    assert result.cause in (
        PolicyStatus.ARM_ABORTED,
        PolicyStatus.ARM_REJECTED,
        PolicyStatus.ARM_SILENT,
        PolicyStatus.VIEWS_STALE,
        PolicyStatus.VIEWS_MISSING,
    )
    assert result.message
    graph.start("sim_node")
    operator.wait_until_active(graph.names)
    goal_goes_on(operator)


def test_a_node_that_is_stopped_for_a_while_does_not_move_the_arm_afterwards(
    graph: Graph, operator: Operator
) -> None:
    play(operator)
    graph.signal("ik_node", signal.SIGSTOP)
    result = operator.wait_for_result()
    assert (result.outcome, result.cause) == (Result.ABORTED, PolicyStatus.ARM_SILENT)
    wait_for_rest(operator)
    stood = operator.heard["joint_states"][-1].position[:7]
    poses = operator.heard["tcp_pose"]
    before = len(poses)
    graph.signal("ik_node", signal.SIGCONT)
    operator.wait_until(lambda: len(poses) > before + 10, "ik_node to speak again")
    np.testing.assert_allclose(operator.heard["joint_states"][-1].position[:7], stood, atol=1e-3)
    goal_goes_on(operator)
