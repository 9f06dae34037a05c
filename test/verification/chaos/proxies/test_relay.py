# SPDX-License-Identifier: Apache-2.0
"""The relay, as a process: it loses nothing, spoils what it is told to, and is well again."""

import json
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from sensor_msgs.msg import Image, JointState
from trajectory_msgs.msg import JointTrajectory

from vera_ros.nodes.common.conversions import (
    LATCHED,
    ns_to_stamp,
    rgb_to_image,
    sensor_qos,
    stamp_to_ns,
)
from vera_ros_interfaces.msg import ActionChunk, ArmStatus, ChunkProgress
from verification.chaos.proxies.note import read_note
from verification.chaos.wiring import (
    FROM_POLICY,
    JOINT_STATES,
    TRAJECTORIES,
    images,
    policy_name,
    true_name,
)

from ..ros_side import RosSide, running

BURST = 10
AT_NS = 1_000_000_000_000
_KINDS: dict[str, Any] = {"chunk_progress": ChunkProgress, "tcp_pose": PoseStamped}


class Bench:
    """The sensors before the relay, and what comes out behind it."""

    def __init__(self, side: RosSide) -> None:
        self._side = side
        node, reliable = side.node, sensor_qos("reliable", 100)
        self._joints = node.create_publisher(JointState, true_name(JOINT_STATES), reliable)
        self._images = {
            view: node.create_publisher(Image, true_name(topic), reliable)
            for view, topic in images("mimicgen").items()
        }
        self.joints = side.listen(JointState, JOINT_STATES, reliable)
        self.images = {
            view: side.listen(Image, topic, sensor_qos("best_effort", 100))
            for view, topic in images("mimicgen").items()
        }
        self._stamp = 0
        side.wait_until(self._all_heard, "the relay to pass everything on")

    def _all_heard(self) -> bool:
        self.send()
        return bool(self.joints) and all(self.images.values())

    def send(self, stamp: int = 0) -> int:
        """One message of every sensor, with this stamp or the next one; return it."""
        self._stamp = stamp or self._stamp + 1
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


class Machines:
    """Who talks to whom through the relay, beside the sensors."""

    def __init__(self, side: RosSide) -> None:
        self._side = side
        self._says = {
            topic: side.node.create_publisher(kind, topic, qos)
            for topic, kind, qos in (
                ("chunk_progress", ChunkProgress, 10),
                ("arm_status", ArmStatus, LATCHED),
                ("tcp_pose", PoseStamped, sensor_qos("reliable")),
                (policy_name(FROM_POLICY), ActionChunk, 10),
                *((topic, JointTrajectory, 10) for topic in TRAJECTORIES.values()),
            )
        }
        self.heard = {
            topic: side.listen(kind, topic)
            for topic, kind in (
                *((policy_name(topic), _KINDS[topic]) for topic in ("chunk_progress", "tcp_pose")),
                (FROM_POLICY, ActionChunk),
                *((true_name(topic), JointTrajectory) for topic in TRAJECTORIES.values()),
            )
        }
        self.heard[policy_name("arm_status")] = side.listen(
            ArmStatus, policy_name("arm_status"), LATCHED
        )
        side.wait_until(self._all_heard, "the relay to pass everything on")

    def _all_heard(self) -> bool:
        self.say(AT_NS)
        return all(self.heard.values())

    def say(self, stamp_ns: int) -> None:
        """Everybody says something."""
        for publisher in self._says.values():
            message = publisher.msg_type()
            message.header.stamp = ns_to_stamp(stamp_ns)
            publisher.publish(message)

    def trajectory(self, name: str, stamp_ns: int) -> None:
        message = JointTrajectory(joint_names=["a"])
        message.header.stamp = ns_to_stamp(stamp_ns)
        self._says[TRAJECTORIES[name]].publish(message)

    def told(self, name: str) -> list[Any]:
        """What a controller was told so far."""
        return self.heard[true_name(TRAJECTORIES[name])]

    def last_stamps(self) -> dict[str, int]:
        """The stamp of what came last, by topic."""
        return {topic: stamp_to_ns(heard[-1].header.stamp) for topic, heard in self.heard.items()}


@pytest.fixture(scope="module")
def side(own_ros_domain: int) -> Iterator[RosSide]:
    with running("-m", "verification.chaos.proxies.relay", "mimicgen"), RosSide("bench") as side:
        yield side


@pytest.fixture(scope="module")
def machines(side: RosSide) -> Machines:
    return Machines(side)


@pytest.fixture(scope="module")
def bench(side: RosSide) -> Bench:
    return Bench(side)


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
    bench.spoil("view_late", delay_s=0.3, view="all")
    began_s = time.monotonic()
    stamps = bench.burst(bench.images["agentview"])
    assert time.monotonic() - began_s >= 0.3
    assert stamps_of(sent(bench.images["agentview"], stamps)) == stamps
    bench.heal()


def test_a_controller_is_told_as_it_comes_and_the_monitor_when(
    bench: Bench, machines: Machines
) -> None:
    machines.told("arm").clear()
    before_ns = time.time_ns()
    machines.trajectory("arm", AT_NS)
    # What was said while the relays found each other may come late.
    bench.wait_until(lambda: any(told.joint_names for told in machines.told("arm")))
    (told,) = (told for told in machines.told("arm") if told.joint_names)
    assert (told.joint_names, stamp_to_ns(told.header.stamp)) == (["a"], AT_NS)
    note = read_note(told.header.frame_id)
    assert note is not None
    assert before_ns <= note[0] <= time.time_ns()
    assert note[1] == 0.0


def test_trajectories_are_late_and_in_order_until_the_link_is_well(
    bench: Bench, machines: Machines
) -> None:
    bench.spoil("late_delivery", delay_s=0.3, duration_s=0.1)  # it lasts until it is mended
    began_s = time.monotonic()
    machines.trajectory("arm", AT_NS + 1)
    machines.trajectory("gripper", AT_NS + 1)
    bench.burst(bench.joints)  # by then, the relay has them
    bench.heal()
    machines.trajectory("arm", AT_NS + 2)  # waits for the first
    bench.wait_until(lambda: stamps_of(machines.told("arm"))[-1:] == [AT_NS + 2])
    assert time.monotonic() - began_s >= 0.3
    first, second = machines.told("arm")[-2:]
    assert [stamp_to_ns(m.header.stamp) for m in (first, second)] == [AT_NS + 1, AT_NS + 2]
    note = read_note(first.header.frame_id)
    assert note is not None
    assert time.time_ns() - note[0] >= 0.3e9  # it says when it was published


@pytest.mark.parametrize(
    ("machine", "ahead"),
    [
        ("ik_node", {"arm": 1, "gripper": 1, "to_policy": 1, "chunk": -1, "joints": -1}),
        ("policy_node", {"arm": 0, "gripper": 0, "to_policy": -1, "chunk": 1, "joints": 0}),
        ("controller", {"arm": -1, "gripper": -1, "to_policy": 0, "chunk": 0, "joints": 1}),
    ],
)
def test_a_machine_has_another_clock(
    bench: Bench, machines: Machines, machine: str, ahead: dict[str, int]
) -> None:
    values: dict[str, float | str] = {
        "machine": machine,
        "sign": "ahead",
        "course": "step",
        "offset_s": 0.25,
    }
    bench.spoil("clock_skew", **values)
    topics = {
        **{true_name(TRAJECTORIES[name]): ahead[name] for name in TRAJECTORIES},
        **{
            policy_name(topic): ahead["to_policy"]
            for topic in ("chunk_progress", "arm_status", "tcp_pose")
        },
        FROM_POLICY: ahead["chunk"],
    }
    expected = {topic: AT_NS + sign * 250_000_000 for topic, sign in topics.items()}
    for heard in machines.heard.values():
        heard.clear()
    machines.say(AT_NS)
    bench.wait_until(lambda: all(machines.heard.values()) and machines.last_stamps() == expected)
    shown = read_note(machines.told("arm")[-1].header.frame_id)
    assert shown is not None
    assert (shown[1] > 0.0) is (machine != "policy_node")
    shift_ns = ahead["joints"] * 250_000_000
    stamp = bench.send(AT_NS)
    bench.wait_until(lambda: stamp + shift_ns in stamps_of(bench.joints))
    bench.heal()


def test_another_arm_speaks_for_a_while(bench: Bench) -> None:
    values: dict[str, float | str] = {"joint": "7", "sign": "+", "off_rad": 0.5, "duration_s": 1.0}
    bench.joints.clear()
    bench.spoil("second_publisher", **values)

    def elsewhere() -> list[Any]:
        return [message for message in bench.joints if message.position[1] == 2.5]

    bench.wait_until(lambda: bench.send() > 0 and len(elsewhere()) > 5)
    assert any(message.position[1] == 2.0 for message in bench.joints)
    assert all(list(message.velocity) == [0.0, 0.0] for message in elsewhere())

    def quiet() -> bool:
        count, until_s = len(elsewhere()), time.monotonic() + 0.3
        bench.wait_until(lambda: time.monotonic() > until_s)
        return len(elsewhere()) == count

    bench.wait_until(quiet)  # it leaves by itself
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
