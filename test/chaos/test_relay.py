# SPDX-License-Identifier: Apache-2.0
"""The relay, as a process: it loses nothing, spoils what it is told to, and is well again."""

import json
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from sensor_msgs.msg import Image, JointState

from chaos.wiring import IMAGES, JOINT_STATES, true_name
from vera_ros.nodes.conversions import ns_to_stamp, rgb_to_image, sensor_qos, stamp_to_ns

from .ros_side import RosSide, running

BURST = 10


class Bench:
    """The sensors before the relay, and what comes out behind it."""

    def __init__(self, side: RosSide) -> None:
        self._side = side
        node, reliable = side.node, sensor_qos("reliable", 100)
        self._joints = node.create_publisher(JointState, true_name(JOINT_STATES), reliable)
        self._images = {
            view: node.create_publisher(Image, true_name(topic), reliable)
            for view, topic in IMAGES.items()
        }
        self.joints = side.listen(JointState, JOINT_STATES, reliable)
        self.images = {
            view: side.listen(Image, topic, sensor_qos("best_effort", 100))
            for view, topic in IMAGES.items()
        }
        self._stamp = 0
        side.wait_until(self._all_heard, "the relay to pass everything on")

    def _all_heard(self) -> bool:
        self.send()
        return bool(self.joints) and all(self.images.values())

    def send(self) -> int:
        """One message of every sensor; return its stamp."""
        self._stamp += 1
        joints = JointState(name=["a", "b"], position=[1.0, 2.0], velocity=[0.1, 0.2])
        joints.header.stamp = ns_to_stamp(self._stamp)
        self._joints.publish(joints)
        for publisher in self._images.values():
            pixels = np.full((4, 4, 3), self._stamp % 256, np.uint8)
            publisher.publish(rgb_to_image(pixels, self._stamp, "camera"))
        return self._stamp

    def tell(self, fault: str) -> Any:
        """Set the relay's fault."""
        value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=fault)
        request = SetParameters.Request(parameters=[Parameter(name="fault", value=value)])
        return self._side.call(SetParameters, "relay/set_parameters", request).results[0]

    def spoil(self, kind: str, **values: float | str) -> None:
        said = self.tell(json.dumps({"kind": kind, "values": {"duration_s": 600.0, **values}}))
        assert said.successful, said.reason

    def heal(self) -> None:
        assert self.tell("").successful

    def burst(self, seen_in: list[Any]) -> list[int]:
        """Send some, and wait until the last of them is seen in this stream; return the stamps."""
        stamps = [self.send() for _ in range(BURST)]
        self.wait_until(lambda: stamps[-1] in stamps_of(seen_in))
        return stamps

    def wait_until(self, condition: Callable[[], bool]) -> None:
        self._side.wait_until(condition, "the relay")


def stamps_of(heard: list[Any]) -> list[int]:
    return [stamp_to_ns(message.header.stamp) for message in heard]


@pytest.fixture(scope="module")
def bench(own_ros_domain: int) -> Iterator[Bench]:
    with running("-m", "chaos.relay"), RosSide("bench") as side:
        yield Bench(side)


def sent(heard: list[Any], stamps: list[int]) -> list[Any]:
    """The messages with these stamps."""
    return [message for message in heard if stamp_to_ns(message.header.stamp) in stamps]


def test_nothing_is_lost(bench: Bench) -> None:
    stamps = [bench.send() for _ in range(BURST)]
    for heard in (bench.joints, *bench.images.values()):
        bench.wait_until(lambda heard=heard: set(stamps) <= set(stamps_of(heard)))  # type: ignore[misc]
        assert stamps_of(sent(heard, stamps)) == stamps


def test_dropped_joints_do_not_come_and_pictures_do(bench: Bench) -> None:
    bench.spoil("joints_dropped")
    stamps = bench.burst(bench.images["agentview"])
    bench.burst(bench.images["agentview"])
    assert sent(bench.joints, stamps) == []
    bench.heal()


def test_one_view_alone_is_spoilt(bench: Bench) -> None:
    bench.spoil("view_wrong_encoding", view="agentview")
    for view, encodings in (("agentview", {"yuv411p"}), ("robot0_eye_in_hand", {"rgb8"})):
        stamps = bench.burst(bench.images[view])
        assert {m.encoding for m in sent(bench.images[view], stamps)} == encodings
    bench.heal()


def test_joints_are_no_numbers(bench: Bench) -> None:
    bench.spoil("joints_nan")
    spoilt = sent(bench.joints, bench.burst(bench.joints))
    assert len(spoilt) == BURST
    assert all(math.isnan(m.position[0]) and m.position[1] == 2.0 for m in spoilt)
    bench.heal()


def test_what_is_late_comes_later_and_in_order(bench: Bench) -> None:
    bench.spoil("view_late", delay_s=0.3, view="both")
    began_s = time.monotonic()
    stamps = bench.burst(bench.images["agentview"])
    assert time.monotonic() - began_s >= 0.3
    assert stamps_of(sent(bench.images["agentview"], stamps)) == stamps
    bench.heal()


def test_a_fault_ends_by_itself(bench: Bench) -> None:
    assert bench.tell('{"kind": "joints_dropped", "values": {"duration_s": 0.05}}').successful
    before = bench.send()
    bench.wait_until(lambda: bench.send() > before and stamps_of(bench.joints)[-1] > before)


@pytest.mark.parametrize(
    "fault",
    ["no JSON", "[]", '{"kind": "meteorite"}', '{"kind": "cut"}', '{"kind": "view_late"}'],
)
def test_what_is_no_fault_is_refused(bench: Bench, fault: str) -> None:
    said = bench.tell(fault)
    assert not said.successful
    assert said.reason
