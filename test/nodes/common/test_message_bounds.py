# SPDX-License-Identifier: Apache-2.0
"""Messages that are too large are ignored before they are converted, on every subscription."""

from array import array
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Header, String

from vera_ros.nodes.common.latest import Latest
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.common.message_bounds import most_bytes, read_bounded
from vera_ros.nodes.ik_node import IkNode
from vera_ros_interfaces.msg import ActionChunk, ArmStatus, ChunkProgress

from ..stage import Stage, chunk

HUGE = "x" * (9 << 20)
LARGE: list[Callable[[], Any]] = [
    lambda: ActionChunk(horizon=500_000, columns=6, actions=array("d", bytes(8 * 3_000_000))),
    lambda: ActionChunk(session_id=HUGE),
    lambda: JointState(name=["panda_joint1"] * 2_000),
    lambda: JointState(header=Header(frame_id=HUGE)),
    lambda: String(data=HUGE),
    lambda: ArmStatus(warnings=[HUGE]),
    lambda: ChunkProgress(message=HUGE),
    lambda: Image(data=array("B", bytes(257 << 20))),
]


@pytest.mark.parametrize("make", LARGE)
def test_a_large_message_is_ignored_and_logged(stage: Stage, make: Callable[[], Any]) -> None:
    message = make()
    data = serialize_message(message)
    assert read_bounded(stage.node, type(message), "topic", data) is None
    small = serialize_message(type(message)())
    assert read_bounded(stage.node, type(message), "topic", small) == type(message)()


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\x00\x01\x00\x00", b"\x00\x01\x00\x00\xff\xff\xff\xff"]
)
@pytest.mark.parametrize("kind", [ActionChunk, ArmStatus, JointState, String])
def test_what_is_no_message_of_its_type_is_ignored(
    stage: Stage, kind: type[Any], data: bytes
) -> None:
    assert read_bounded(stage.node, kind, "topic", data) is None


def test_a_node_survives_bytes_that_are_no_messages(stage: Stage) -> None:
    """The middleware drops what it cannot convert; here it must not end the process."""
    stage.add_ready_ik()
    joints = stage.node.create_publisher(JointState, "joint_states", 10)
    for publisher in (stage.chunk_publisher, joints):
        publisher.publish(b"\x00\x01\x00\x00\xff\xff\xff\xff")
    stage.chunk_publisher.publish(chunk(sequence=3))
    stage.wait_until(lambda: stage.progress_of(3), "the answer")
    assert stage.progress_of(3)[0].state == ChunkProgress.ACCEPTED


class Flood:
    """A subscription's handle in which a further message always waits."""

    def __init__(self) -> None:
        self._taken = 0

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def take_message(self, *_: object) -> tuple[bytes, dict[str, int]]:
        self._taken += 1
        return serialize_message(String(data=str(self._taken))), {"received_timestamp": 0}


def test_a_flood_is_not_read_for_as_long_as_it_lasts(stage: Stage) -> None:
    latest: Latest[String] = Latest(stage.node, String, "others", 3)
    latest._subscription = SimpleNamespace(handle=Flood(), msg_type=String, raw=True)
    assert [each.message.data for each in latest.take()] == ["1", "2", "3"]


def test_the_bound_is_inclusive(stage: Stage) -> None:
    empty = len(serialize_message(String()))
    for more, valid in ((0, True), (8, False)):  # a serialized message is padded
        data = serialize_message(String(data="x" * (most_bytes(String) - empty - 4 + more)))
        assert (read_bounded(stage.node, String, "topic", data) is not None) is valid


def test_callbacks_get_what_is_of_valid_size(stage: Stage) -> None:
    node: VeraNode = stage.add_ik()
    received: list[str] = []
    awaited: list[str] = []

    async def wait(message: String) -> None:
        awaited.append(message.data)

    node.create_subscription(String, "words", lambda message: received.append(message.data), 10)
    node.create_subscription(String, "words", wait, 10)
    publisher = stage.node.create_publisher(String, "words", 10)
    stage.wait_until(lambda: publisher.get_subscription_count() == 2, "discovery")
    for words in ("first", HUGE, "last"):
        publisher.publish(String(data=words))
    stage.wait_until(lambda: "last" in received and "last" in awaited, "the messages")
    assert received == awaited == ["first", "last"]


def test_a_polled_subscription_skips_what_is_too_large(stage: Stage) -> None:
    latest: Latest[JointState] = Latest(stage.node, JointState, "others", 8)
    publisher = stage.node.create_publisher(JointState, "others", 10)
    stage.wait_until(publisher.get_subscription_count, "discovery")
    for names in (["a"], ["a"] * 5_000, ["b"]):
        publisher.publish(JointState(name=names))
    taken: list[list[str]] = []

    def take() -> bool:
        taken.extend(list(each.message.name) for each in latest.take())
        return ["b"] in taken

    stage.wait_until(take, "the messages")
    assert taken == [["a"], ["b"]]


def test_an_arm_plays_on_beside_chunks_that_are_too_large(stage: Stage) -> None:
    ik: IkNode = stage.add_ready_ik()
    for large in LARGE[:2]:
        stage.chunk_publisher.publish(large())
    stage.chunk_publisher.publish(chunk(sequence=3))
    stage.wait_until(lambda: stage.progress_of(3), "the answer")
    assert stage.progress_of(3)[0].state == ChunkProgress.ACCEPTED
    assert not ik.fault
