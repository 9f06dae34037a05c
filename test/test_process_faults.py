# SPDX-License-Identifier: Apache-2.0
"""Whatever process is killed, the arm comes to rest, the others say so, and it may join again."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from vera_ros.bringup import isolation
from vera_ros.bringup.graph import NodeSpec, command, nodes
from vera_ros.bringup.graph_options import GraphOptions
from vera_ros.bringup.middleware import on_loopback
from vera_ros.nodes.common.conversions import duration_to_seconds, stamp_to_ns
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress, PolicyStatus
from vera_ros_interfaces.srv import ResetScene

if TYPE_CHECKING:
    from test.ros_helpers import Operator, Processes, write_patient_config
else:
    from ros_helpers import Operator, Processes, write_patient_config

REST_RAD_S = 0.01
TRIES = 10
INFERENCE_S = 0.3  # long enough to be seen
SYNC, ASYNC = ExecuteTask.Goal.SYNC, ExecuteTask.Goal.ASYNC
Result = ExecuteTask.Result


class Graph:
    """A running graph whose processes may be killed and started again."""

    def __init__(self, folder: Path, url: str, processes: Processes, operator: Operator) -> None:
        self._folder = folder
        self._processes = processes
        self._operator = operator
        options = GraphOptions(
            server_url=url,
            judge=False,
            config=write_patient_config(folder),
            parameters={
                "reference_server": {"delay_s": INFERENCE_S},
                # So long the next goal waits for a stop that nobody was there to answer.
                "policy_node": {"settle_timeout_s": 10.0},
            },
        )
        self._specs: dict[str, NodeSpec] = {spec.name: spec for spec in nodes(options)}
        self._running: set[str] = set()
        self._in_order = False

    def prepare(self) -> None:
        """Have every node run, in a fresh scene; anew, unless the last test left it in order."""
        if not self._in_order:
            for name in tuple(self._running):
                self.kill(name)
        for name in self._specs.keys() - self._running:
            self.start(name)
        self._in_order = False
        self.wait_until_active()
        answer = self._operator.call(ResetScene, "reset_scene", ResetScene.Request(seed=0))
        assert answer.success, answer.message
        for heard in self._operator.heard.values():
            heard.clear()

    def goes_on(self) -> None:
        """A new goal is played: whatever happened, all is in order again."""
        play(self._operator)
        self._operator.cancel()
        assert self._operator.wait_for_result().outcome == Result.CANCELLED
        self._in_order = True

    def wait_until_active(self) -> None:
        self._operator.wait_until_active(list(self._specs))

    def start(self, name: str) -> None:
        self._processes.start(name, command(self._specs[name], "", self._folder))
        self._running.add(name)

    def kill(self, name: str) -> None:
        self._processes.kill(name)
        self._running.remove(name)

    def replace(self, name: str) -> None:
        """Start another one in place of one that was killed, and have it play."""
        self.start(name)
        self.wait_until_active()
        self.goes_on()

    def signal(self, name: str, number: int) -> None:
        self._processes.send(name, number)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graph")


@pytest.fixture(scope="module")
def processes(folder: Path) -> Iterator[Processes]:
    """In a ROS domain that all tests of this module share."""
    with isolation.own_domain() as domain, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(domain))
        patch.setenv("ROS_HOME", str(folder))
        for variable, value in on_loopback(os.environ).items():
            patch.setenv(variable, value)
        with Processes(folder) as processes:
            yield processes


@pytest.fixture(scope="module")
def operator(processes: Processes) -> Iterator[Operator]:
    with Operator(check=processes.check) as operator:
        for topic, kind in (
            ("joint_states", JointState),
            ("arm_controller/joint_trajectory", JointTrajectory),
            ("chunk_progress", ChunkProgress),
            ("policy_status", PolicyStatus),
            ("arm_status", ArmStatus),
            ("tcp_pose", PoseStamped),
        ):
            operator.listen(topic, kind)
        yield operator


@pytest.fixture(scope="module")
def shared(folder: Path, processes: Processes, operator: Operator) -> Graph:
    return Graph(folder, f"ws://127.0.0.1:{isolation.free_port()}", processes, operator)


@pytest.fixture
def graph(shared: Graph) -> Graph:
    """Every node runs and is active, and nothing moves."""
    shared.prepare()
    return shared


@dataclass(frozen=True)
class Moment:
    """When a process is killed.

    Attributes:
        mode: of the goal.
        inferring: whether the server thinks while the arm moves; None: in turns, it does not.
    """

    mode: int = SYNC
    inferring: bool | None = None

    def is_there(self, status: PolicyStatus) -> bool:
        """Whether the arm moves, and the server thinks or not."""
        playing = status.state == PolicyStatus.PLAYING
        return self.inferring is None or (playing and status.inferring == self.inferring)


PLAYING = Moment()
MOMENTS = {
    "sync": PLAYING,
    "async, playing": Moment(ASYNC, inferring=False),
    "async, inferring": Moment(ASYNC, inferring=True),
}
at_every_moment = pytest.mark.parametrize("moment", MOMENTS.values(), ids=list(MOMENTS))


def play(operator: Operator, moment: Moment = PLAYING) -> None:
    """A goal whose arm moves. On a busy machine a trajectory may come too late: then another.

    The first one may also end at once: policy_node has not heard of another ik_node yet, or that
    one not of its controllers.
    """
    heard, ended = operator.heard["chunk_progress"], (ChunkProgress.ABORTED, ChunkProgress.REJECTED)
    sent = operator.heard["arm_controller/joint_trajectory"]

    def states() -> set[int]:
        return {message.state for message in heard[seen:]}

    def plays() -> bool:
        status = operator.heard["policy_status"]
        plays = ChunkProgress.PLAYING in states() and len(sent) > sent_before
        return plays and moment.is_there(status[-1])

    def over() -> bool:
        return bool(states() & {*ended}) or result.done()

    def ready() -> bool:
        return any(status.state == ArmStatus.READY for status in operator.heard["arm_status"][-1:])

    for _ in range(TRIES):
        operator.wait_until(ready, "the arm")
        operator.wait_until(
            lambda: operator.give_goal(time_limit_s=120.0, mode=moment.mode), "an accepted goal"
        )
        seen, sent_before, result = len(heard), len(sent), operator.result()
        operator.wait_until(lambda: plays() or over(), "a step")
        if not over():
            return
        last = operator.wait_for_result()
    pytest.fail(f"no goal was played in {TRIES} tries; the last ended with: {last.message}")


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


@at_every_moment
def test_without_policy_node_the_plan_ends_at_rest_and_another_one_joins(
    graph: Graph, operator: Operator, moment: Moment
) -> None:
    play(operator, moment)
    graph.kill("policy_node")
    wait_for_rest(operator)
    graph.replace("policy_node")


@at_every_moment
def test_without_ik_node_the_plan_ends_at_rest_and_another_one_joins(
    graph: Graph, operator: Operator, moment: Moment
) -> None:
    play(operator, moment)
    graph.kill("ik_node")
    wait_for_rest(operator)
    result = operator.wait_for_result()
    assert (result.outcome, result.cause) == (Result.ABORTED, PolicyStatus.ARM_SILENT)
    graph.replace("ik_node")


@at_every_moment
def test_without_the_server_the_episode_ends_and_another_server_is_found(
    graph: Graph, operator: Operator, moment: Moment
) -> None:
    play(operator, moment)
    graph.kill("reference_server")
    result = operator.wait_for_result()
    assert result.outcome == Result.ABORTED
    assert result.cause in (PolicyStatus.CONNECTION_LOST, PolicyStatus.NO_SERVER)
    wait_for_rest(operator)
    graph.replace("reference_server")


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
    graph.replace("sim_node")


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
    graph.goes_on()
