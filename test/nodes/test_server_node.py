# SPDX-License-Identifier: Apache-2.0
"""server_node: active when a server is ready, and gone with everything, however it goes."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State as LifecycleState
from lifecycle_msgs.srv import GetState
from rclpy.lifecycle import TransitionCallbackReturn

from vera_ros.bringup.isolation import free_port
from vera_ros.nodes.server_node import ServerNode
from vera_ros.robots.registry import WITH_REFERENCE_POLICY

from ..server.room import Engine, Room, wait_until
from .stage import Stage

if TYPE_CHECKING:
    from test.ros_helpers import Processes
else:
    from ros_helpers import Processes

MODES = ["docker", "subprocess"]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(str(tmp_path), free_port())
    yield made
    made.clear()


@pytest.fixture
def engine(tmp_path: Path, room: Room) -> Engine:
    return Engine(tmp_path / "engine", room)


@pytest.fixture
def processes(ros_domain: int, tmp_path: Path, engine: Engine) -> Iterator[Processes]:
    with Processes(tmp_path, engine.environment) as made:
        yield made


def start(processes: Processes, room: Room, mode: str, **more: Any) -> None:
    settings = room.settings(server_mode=mode, **more)
    arguments = [word for name, v in settings.items() for word in ("-p", f"{name}:={v}")]
    command = [sys.executable, "-m", "vera_ros.nodes.server_node", "--ros-args", *arguments]
    processes.start("server_node", command)


def wait_for_log(processes: Processes, words: str, after: int = 0) -> None:
    """Wait until it is said, in what is not told by the first so many characters."""

    def said() -> bool:
        processes.check()
        return words in processes.log("server_node")[after:]

    wait_until(said, f"'{words}' in the log")


# In this process.


def state_of(stage: Stage) -> int:
    return int(stage.call(GetState, "server_node/get_state").current_state.id)


def make(stage: Stage, **parameters: Any) -> ServerNode:
    settings = {"server_mode": "reference", "server_port": stage.port, **parameters}
    return stage.add(ServerNode, **settings)


@pytest.mark.parametrize("embodiment", WITH_REFERENCE_POLICY)
def test_it_becomes_active_when_the_server_is_ready_and_says_which(
    stage: Stage, embodiment: str
) -> None:
    if embodiment == "pusht":
        pytest.importorskip("gym_pusht")
    heard: list[DiagnosticStatus] = []
    stage.node.create_subscription(
        DiagnosticArray, "/diagnostics", lambda message: heard.extend(message.status), 10
    )
    node = make(stage, embodiment=embodiment)
    stage.wait_until_active(node)
    stage.wait_until(lambda: any(s.level == DiagnosticStatus.OK for s in heard), "diagnostics")
    status = next(s for s in heard if s.level == DiagnosticStatus.OK)
    values = {value.key: value.value for value in status.values}
    assert "the policy server is ready" in status.message
    assert (values["mode"], values["state"], values["ours"]) == ("reference", "ready", "True")
    assert values["url"] == f"ws://127.0.0.1:{stage.port}"
    assert values["embodiment"] == embodiment


def test_a_manager_cannot_activate_it_before_the_server_is_ready(stage: Stage) -> None:
    node = make(stage, autostart=False)
    assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() is TransitionCallbackReturn.FAILURE
    assert state_of(stage) == LifecycleState.PRIMARY_STATE_INACTIVE
    stage.wait_until(lambda: not node.waiting_to_start(), "the server")
    assert node.trigger_activate() is TransitionCallbackReturn.SUCCESS


def test_a_server_that_fails_can_be_tried_again(stage: Stage) -> None:
    """As often as one likes, and with nothing left over."""
    node = make(stage, server_mode="attach", ready_timeout_s=1.0, autostart=False)
    for _ in range(2):
        assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
        stage.wait_until(lambda: node.fault is not None, "the failure")
        assert "waited 1 s in vain" in str(node.fault)
        health = node.health()
        assert health.level == DiagnosticStatus.ERROR
        assert health.message == str(node.fault)
        assert node.trigger_activate() is TransitionCallbackReturn.FAILURE
        assert node.trigger_cleanup() is TransitionCallbackReturn.SUCCESS
    stage.serve()
    assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
    stage.wait_until(lambda: not node.waiting_to_start(), "the server")
    assert node.fault is None


def test_a_server_that_it_found_is_looked_after_and_not_stopped(stage: Stage) -> None:
    host = stage.serve()
    node = make(stage, server_mode="attach")
    stage.wait_until_active(node)
    assert node.health().values["ours"] is False
    host.stop()
    stage.wait_until(lambda: node.health().level == DiagnosticStatus.WARN, "the loss")
    stage.serve()
    stage.wait_until(lambda: node.health().level == DiagnosticStatus.OK, "the return")
    assert node.active


# As a process.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize(
    ("behaviour", "words"), [("hang", "Loading shards"), ("serve", "server is ready")]
)
@pytest.mark.parametrize("mode", MODES)
def test_it_leaves_nothing_however_it_ends(
    processes: Processes,
    room: Room,
    engine: Engine,
    mode: str,
    behaviour: str,
    words: str,
    number: signal.Signals,
) -> None:
    engine.behave(container=behaviour)
    processes._environment["VERA_LAUNCHER_BEHAVIOUR"] = behaviour
    start(processes, room, mode)
    wait_for_log(processes, words)
    codes = processes.end(number)
    assert codes == {"server_node": -9 if number is signal.SIGKILL else 0}
    assert "Traceback" not in processes.log("server_node")
    wait_until(room.is_empty, "everything to end")
    assert engine.containers == {}  # an unused network may be left, until the next start


def test_even_a_container_that_nobody_could_stop_goes_at_the_next_start(
    processes: Processes, room: Room, engine: Engine
) -> None:
    start(processes, room, "docker")
    wait_for_log(processes, "server is ready")
    (run,) = room.processes("docker\0run")
    os.kill(run, signal.SIGSTOP)  # or it would hear of the end below, and hand it on
    (node,) = room.processes("vera_ros.nodes.server_node")
    for process in (node, run):
        os.kill(process, signal.SIGKILL)
    processes.wait("server_node")
    wait_until(lambda: len(engine.containers) == 1, "the door to end by itself")
    assert engine.server
    before = len(processes.log("server_node"))
    start(processes, room, "docker")
    wait_for_log(processes, "left by a run that was killed", before)
    wait_for_log(processes, "server is ready: a container of", before)
    assert len(engine.containers) == 2  # the server and its door
    assert processes.end() == {"server_node": 0}
    wait_until(room.is_empty, "everything to end")


@pytest.mark.parametrize("mode", MODES)
def test_it_ends_with_the_reason_when_the_server_does_not_come_up(
    processes: Processes, room: Room, engine: Engine, mode: str
) -> None:
    engine.behave(container="die")
    processes._environment["VERA_LAUNCHER_BEHAVIOUR"] = "die"
    start(processes, room, mode)
    assert processes.wait("server_node") == 1
    log = processes.log("server_node")
    assert "ended by itself: exit code 1" in log
    assert "CUDA out of memory" in log
    assert "Traceback" not in log


@pytest.mark.parametrize("mode", MODES)
def test_a_server_that_dies_later_is_told_and_the_node_stays(
    processes: Processes, room: Room, mode: str
) -> None:
    start(processes, room, mode)
    wait_for_log(processes, "server is ready")
    for process in room.processes("start_vera_server"):
        os.kill(process, signal.SIGKILL)
    wait_for_log(processes, "ended by itself")
    assert processes.end() == {"server_node": 0}
    assert "Traceback" not in processes.log("server_node")


def test_the_environment_wins_and_the_log_says_so(
    processes: Processes, room: Room, engine: Engine
) -> None:
    processes._environment["VERA_SERVER_MODE"] = "docker"
    start(processes, room, "attach")
    wait_for_log(processes, "environment variable VERA_SERVER_MODE wins")
    wait_for_log(processes, "server is ready: a container of")
    assert processes.end() == {"server_node": 0}


def test_an_environment_that_is_not_valid_is_named(
    processes: Processes, room: Room, engine: Engine
) -> None:
    processes._environment["VERA_SERVER_PORT"] = "many"
    start(processes, room, "subprocess")
    assert processes.wait("server_node") == 1
    assert "error: environment variable VERA_SERVER_PORT is 'many'" in processes.log("server_node")
