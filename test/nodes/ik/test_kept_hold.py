# SPDX-License-Identifier: Apache-2.0
"""A hold outlasts its process, and nothing but a release ends it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from std_msgs.msg import Empty
from std_srvs.srv import Trigger

from vera_ros.bringup.graph import NodeSpec, command
from vera_ros.errors import ConfigurationError
from vera_ros.nodes.ik.kept_hold import KeptHold, default_file
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress

from ..stage import PATIENT_IK, Stage, chunk, urdf

if TYPE_CHECKING:
    from test.ros_helpers import Processes
else:
    from ros_helpers import Processes

KEPT = "vera_ros/hold/ik_node"
SOON_S = 10.0  # for a new ik_node to play; a participant that was killed is missed after 20 s


@pytest.fixture
def processes(ros_domain: int, tmp_path: Path) -> Iterator[Processes]:
    with Processes(tmp_path) as processes:
        yield processes


def start(processes: Processes, folder: Path) -> None:
    spec = NodeSpec("ik_node", "ik_node", (), {"robot_description": urdf(), **PATIENT_IK})
    processes.start("ik_node", command(spec, "", folder))


def wait_for_arm(stage: Stage, processes: Processes, state: int, after: str = "") -> str:
    """Wait until an ik_node other than `after` is in this state; return which one."""

    def there() -> bool:
        processes.check()
        newest = stage.arm_status[-1] if stage.arm_status else ArmStatus()
        return newest.arm not in ("", after) and newest.state == state

    stage.wait_until(there, f"an ik_node in state {state}")
    stage.wait_for_exchange()
    return str(stage.arm_status[-1].arm)


def test_a_hold_outlasts_a_killed_process_until_it_is_released(
    stage: Stage, processes: Processes, tmp_path: Path
) -> None:
    start(processes, tmp_path)
    first = wait_for_arm(stage, processes, ArmStatus.READY)
    stage.play_long(arm=first)
    assert stage.call(Trigger, "hold").success
    assert f"by {first}" in (tmp_path / KEPT).read_text()  # it is kept once it is answered
    processes.kill("ik_node")
    start(processes, tmp_path)
    second = wait_for_arm(stage, processes, ArmStatus.HELD, first)
    log = processes.log("ik_node")
    assert f"the arm is still held from an earlier run (since {time.strftime('%Y')}" in log
    assert str(tmp_path / KEPT) in log
    sent = len(stage.arm_trajectories)
    stage.chunk_publisher.publish(chunk(session_id="next", sequence=1, arm=second))
    stage.wait_until(lambda: stage.progress_of(1), "the answer")
    assert stage.progress_of(1)[0].cause == ChunkProgress.HELD
    assert len(stage.arm_trajectories) == sent
    assert stage.call(Trigger, "release").success
    assert not (tmp_path / KEPT).exists()
    processes.kill("ik_node")
    start(processes, tmp_path)
    wait_for_arm(stage, processes, ArmStatus.READY, second)


def test_a_killed_ik_node_does_not_keep_its_successor_from_moving(
    stage: Stage, processes: Processes, tmp_path: Path
) -> None:
    """The middleware misses a killed process late: what is heard counts, not what it lists."""
    stage.serve()
    policy = stage.add_policy()
    start(processes, tmp_path)
    first = wait_for_arm(stage, processes, ArmStatus.READY)
    stage.wait_until_active(policy)
    processes.kill("ik_node")
    start(processes, tmp_path)
    second = wait_for_arm(stage, processes, ArmStatus.READY, first)
    began_s = time.monotonic()
    handle = stage.goal()
    stage.wait_until(lambda: stage.arm_trajectories, "a chunk to be played")
    assert time.monotonic() - began_s < SOON_S
    assert {message.arm for message in stage.chunks} == {second}
    assert not [s for s in stage.arm_status if s.cause == ChunkProgress.WRONG_ARM]
    assert stage.wait_for(handle.cancel_goal_async(), "the answer to the cancellation")


def test_a_hold_by_topic_is_kept_even_if_the_node_ends_at_once(
    stage: Stage, tmp_path: Path
) -> None:
    ik = stage.add_ready_ik()
    publisher = stage.node.create_publisher(Empty, "hold", 10)
    stage.wait_until(publisher.get_subscription_count, "ik_node on the topic")
    publisher.publish(Empty())
    stage.wait_until(lambda: ik._hold.held, "the hold")
    stage.remove(ik)
    assert (tmp_path / KEPT).exists()
    again = stage.add_ik()
    assert again._hold.held
    stage.call(Trigger, "release")
    assert not (tmp_path / KEPT).exists()


def test_a_hold_that_cannot_be_kept_holds_all_the_same_and_says_so(
    stage: Stage, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("no folder")
    ik = stage.add_ready_ik(hold_file=str(tmp_path / "taken" / "hold"))
    answer = stage.call(Trigger, "hold")
    assert answer.success
    assert "would not survive" in answer.message
    assert "hold_file" in ik.health().message
    stage.wait_until(lambda: stage.arm_status[-1].warnings, "the warning")
    assert stage.arm_status[-1].held
    assert stage.call(Trigger, "release").success
    stage.wait_until(lambda: not stage.arm_status[-1].held, "the release")


def test_what_is_kept_cannot_be_read_or_made_sense_of_is_a_hold(
    stage: Stage, tmp_path: Path
) -> None:
    file = tmp_path / "hold"
    file.write_bytes(b"\xff\x00")
    assert KeptHold(stage.node, str(file), "me").held
    with pytest.raises(ConfigurationError, match="which is a folder"):
        KeptHold(stage.node, str(tmp_path), "me")


def test_a_second_hold_keeps_the_moment_of_the_first(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "kept" / "hold"
    hold = KeptHold(stage.node, str(file), "me")
    assert not hold.held
    hold.held = True
    hold._keep()
    words = file.read_text()
    hold._identity = "somebody else"
    hold._keep()
    assert file.read_text() == words
    assert [path.name for path in file.parent.iterdir()] == ["hold"]  # no draft is left
    assert KeptHold(stage.node, str(file), "me").held
    hold.held = False
    hold._keep()
    assert not file.exists()
    hold.close()


@pytest.mark.parametrize(
    ("ros_home", "node", "expected"),
    [
        ("/r", "/ik_node", "/r/vera_ros/hold/ik_node"),
        ("/r", "/cell/left/ik_node", "/r/vera_ros/hold/cell.left.ik_node"),
        ("", "/ik_node", "/home/me/.ros/vera_ros/hold/ik_node"),
    ],
)
def test_each_node_has_a_file_of_its_own(
    monkeypatch: pytest.MonkeyPatch, ros_home: str, node: str, expected: str
) -> None:
    monkeypatch.setenv("ROS_HOME", ros_home)
    monkeypatch.setenv("HOME", "/home/me")
    assert default_file(node) == Path(expected)
