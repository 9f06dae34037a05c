# SPDX-License-Identifier: Apache-2.0
"""sim_node in lockstep: time passes as asked, everything of it is published, nothing is lost."""

from typing import Any

import numpy as np
import pytest
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, JointState
from trajectory_msgs.msg import JointTrajectory

from vera_ros.nodes.common.conversions import (
    joint_trajectory,
    seconds_to_duration,
    sensor_qos,
    stamp_to_ns,
)
from vera_ros.nodes.sim_node import SimNode
from vera_ros_interfaces.msg import StackTruth
from vera_ros_interfaces.srv import AdvanceTime, ResetScene

from ..stage import ARM_JOINTS, FINGERS, Stage

MS = 1_000_000
DEPTH = 1000  # nothing may be lost here either


class World:
    """A sim_node in lockstep on a stage, and all that it publishes."""

    def __init__(self, stage: Stage, **parameters: Any) -> None:
        self.stage = stage
        stage.joints, stage.cameras = False, ()  # the stage's own arm and cameras are silent
        settings = {
            "lockstep": True,
            "publish_clock": True,
            "image_size": 16,
            "image_reliability": "reliable",
        }
        self.node = stage.add(SimNode, **{**settings, **parameters})
        self.images: list[Image] = []
        self.joint_states: list[JointState] = []
        self.truths: list[StackTruth] = []
        self.clocks: list[Clock] = []
        make, qos = stage.node.create_subscription, sensor_qos("reliable", DEPTH)
        make(Image, "agentview/image_raw", self.images.append, qos)
        make(JointState, "joint_states", self.joint_states.append, qos)
        make(StackTruth, "stack_truth", self.truths.append, qos)
        make(Clock, "/clock", self.clocks.append, qos)
        self.arm = stage.node.create_publisher(
            JointTrajectory, "arm_controller/joint_trajectory", 10
        )
        self.gripper = stage.node.create_publisher(
            JointTrajectory, "gripper_controller/joint_trajectory", 10
        )
        stage.wait_until_active(self.node)
        stage.wait_until(
            lambda: self.images and self.truths and self.joint_states and self.clocks,
            "the present, for late joiners",
        )
        stage.wait_until(
            lambda: self.arm.get_subscription_count() == 2, "both listeners to trajectories"
        )

    @property
    def now_ns(self) -> int:
        return stamp_to_ns(self.advance(0.0).stamp)

    def advance(self, duration_s: float, **awaited: bool) -> Any:
        request = AdvanceTime.Request(duration=seconds_to_duration(duration_s), **awaited)
        return self.stage.call(AdvanceTime, "advance_time", request)

    def forget(self) -> None:
        for heard in (self.images, self.joint_states, self.truths, self.clocks):
            heard.clear()

    def move_arm(self, joint: int = 0, by_rad: float = 0.1) -> None:
        q = np.array(self.joint_states[-1].position[:7])
        goal = q + by_rad * (np.arange(7) == joint)
        rest = np.zeros((2, 7))
        self.arm.publish(
            joint_trajectory(ARM_JOINTS, np.array([0.25, 0.5]), np.array([q, goal]), rest, rest)
        )

    def see(self, ns: int) -> None:
        """Wait for the joint states of this time."""
        self.stage.wait_until(lambda: ns in stamps(self.joint_states), "joint states")

    def state(self) -> tuple[float, ...]:
        return tuple(self.joint_states[-1].position)


def stamps(messages: list[Any]) -> list[int]:
    return sorted({stamp_to_ns(message.header.stamp) for message in messages})


@pytest.fixture
def world(stage: Stage) -> World:
    return World(stage)


def test_time_stands_still_and_the_present_is_repeated(world: World) -> None:
    present_ns = world.now_ns
    assert present_ns > 0  # which would mean that there is no clock
    world.forget()
    world.stage.wait_until(
        lambda: min(map(len, (world.joint_states, world.truths, world.clocks))) >= 5, "repeats"
    )
    assert stamps(world.joint_states) == stamps(world.truths) == [present_ns]
    assert {stamp_to_ns(message.clock) for message in world.clocks} == {present_ns}


@pytest.mark.parametrize("duration_ms", [2, 50, 174, 500])
def test_exactly_the_time_that_was_asked_for_passes(world: World, duration_ms: int) -> None:
    start_ns = world.now_ns
    world.forget()
    answer = world.advance(duration_ms * 1e-3)
    assert answer.success, answer.message
    end_ns = start_ns + duration_ms * MS
    assert stamp_to_ns(answer.stamp) == end_ns
    inner = [start_ns + ms * MS for ms in range(50, duration_ms, 50)]
    expected = [*inner, end_ns]
    world.stage.wait_until(
        lambda: all(end_ns in stamps(m) for m in (world.images, world.joint_states, world.truths)),
        "the end's pictures, joint states and truth",
    )
    assert [ns for ns in stamps(world.images) if ns > start_ns] == expected
    joints = [ns for ns in stamps(world.joint_states) if ns > start_ns]
    assert joints == [*(start_ns + ms * MS for ms in range(10, duration_ms, 10)), end_ns]
    assert world.node.health().parts["cameras"].values["pictures_skipped"] == 0


def test_an_awaited_trajectory_starts_at_the_present_however_late_it_comes(world: World) -> None:
    start_ns, before = world.now_ns, world.state()
    client = world.stage.node.create_client(AdvanceTime, "advance_time")
    world.stage.wait_until(client.service_is_ready, "advance_time")
    world.forget()
    request = AdvanceTime.Request(duration=seconds_to_duration(0.5), await_arm=True)
    future = client.call_async(request)
    world.stage.wait_until(lambda: len(world.joint_states) >= 4, "time to stand still")
    assert stamps(world.joint_states) == [start_ns]
    world.move_arm()
    answer = world.stage.wait_for(future, "the answer")
    assert answer.success, answer.message
    end_ns = start_ns + 500 * MS
    world.stage.wait_until(lambda: end_ns in stamps(world.joint_states), "the end")
    moved = np.array(world.state()[:7]) - before[:7]
    np.testing.assert_allclose(moved, 0.1 * (np.arange(7) == 0), atol=2e-2)


def test_a_trajectory_counts_once_and_for_its_own_part_only(world: World) -> None:
    world.move_arm()
    assert world.advance(0.01, await_arm=True).success
    for awaited, words in (("await_arm", "for the arm"), ("await_gripper", "for the gripper")):
        before_ns = world.now_ns
        answer = world.advance(0.01, **{awaited: True})
        assert not answer.success
        assert words in answer.message
        assert stamp_to_ns(answer.stamp) == world.now_ns == before_ns
    rest = np.zeros((1, 1))
    world.gripper.publish(
        joint_trajectory(FINGERS[:1], np.array([0.1]), np.array([[0.03]]), rest, rest)
    )
    assert world.advance(0.01, await_gripper=True).success


def test_a_reset_settles_and_never_turns_time_back(world: World) -> None:
    before_ns = world.now_ns
    world.advance(0.1)
    world.forget()
    answer = world.stage.call(ResetScene, "reset_scene", ResetScene.Request(seed=7))
    assert answer.success, answer.message
    world.stage.wait_until(lambda: world.truths and world.truths[-1].seed == 7, "the new truth")
    scene = [truth for truth in world.truths if truth.seed == 7]
    world.stage.wait_until(
        lambda: stamps(scene)[0] in stamps(world.images), "the new scene's pictures"
    )
    assert stamps(scene) == [before_ns + 300 * MS]  # nobody saw it settle
    world.stage.wait_until(
        lambda: stamps(world.joint_states)[-1] == stamps(scene)[0], "joint states"
    )
    assert max(np.abs(world.joint_states[-1].velocity)) < 0.02


def test_the_same_requests_lead_to_the_same_state_bit_for_bit(world: World) -> None:
    ends = []
    for _ in range(2):
        world.stage.call(ResetScene, "reset_scene", ResetScene.Request(seed=3))
        world.see(world.now_ns)
        world.move_arm(joint=3)
        world.see(stamp_to_ns(world.advance(0.3, await_arm=True).stamp))
        ends.append(world.state())
    assert ends[0] == pytest.approx(ends[1], abs=1e-9)


def test_a_duration_that_cannot_be_is_refused(world: World) -> None:
    for duration_s in (-0.5, 1e6):
        answer = world.advance(duration_s)
        assert not answer.success
        assert f"duration {duration_s}" in answer.message


def test_deactivated_it_says_so(world: World) -> None:
    world.node.trigger_deactivate()
    answer = world.advance(0.1)
    assert not answer.success
    assert "activate" in answer.message
    world.node.trigger_activate()
    assert world.advance(0.1).success


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"publish_clock": False}, "publish_clock"), ({"realtime_factor": 2.0}, "realtime_factor")],
)
def test_lockstep_needs_a_clock_of_its_own(
    stage: Stage, parameters: dict[str, Any], words: str
) -> None:
    settings: dict[str, Any] = {"lockstep": True, "publish_clock": True, "autostart": False}
    node = stage.add(SimNode, **{**settings, **parameters})
    node.trigger_configure()
    assert words in str(node.fault)
    assert "lockstep" in str(node.fault)
