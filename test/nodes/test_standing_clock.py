# SPDX-License-Identifier: Apache-2.0
"""A simulation that stands still or is gone: with /clock, no time-out of a node stands still."""

from collections.abc import Callable
from typing import Any

import pytest
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger

from vera_ros.nodes.common.conversions import ns_to_stamp
from vera_ros.nodes.common.lifecycle_node import STEADY
from vera_ros_interfaces.msg import ArmStatus, ChunkProgress, PolicyStatus

from .episode_scene import (
    Scene,
    connecting,
    inferring,
    playing,
    settling,
    waiting_for_views,
)
from .stage import Stage, chunk


class World:
    """Makes the stage a simulation, with /clock, joint states and pictures on its time.

    Attributes:
        stands: no time passes, and nothing is published.
    """

    def __init__(self, stage: Stage) -> None:
        self.stands = False
        self._now_ns = 10**12
        self._clock = stage.node.create_publisher(Clock, "/clock", 10)
        stage.node.set_parameters([Parameter("use_sim_time", value=True)])
        stage.node.create_timer(0.01, self._tick, clock=STEADY)
        stage.wait_until(lambda: stage.now_s >= 1000.0, "the clock")

    def _tick(self) -> None:
        if not self.stands:
            self._now_ns += 10_000_000
            self._clock.publish(Clock(clock=ns_to_stamp(self._now_ns)))


@pytest.fixture
def world(stage: Stage) -> World:
    return World(stage)


def test_an_arm_whose_world_stands_is_stopped_and_is_at_rest_when_it_goes_on(
    stage: Stage, world: World
) -> None:
    stage.add_ready_ik(use_sim_time=True, joint_state_timeout_s=1.0)
    stage.play_long()
    world.stands = True
    stage.wait_until(lambda: stage.progress[-1].state == ChunkProgress.ABORTED, "its end")
    assert stage.progress[-1].cause == ChunkProgress.NO_JOINT_STATES
    stage.wait_until(lambda: len(stage.arm_trajectories) == 2, "the stop")
    world.stands = False
    stage.ends_smoothly()
    answer = stage.call(Trigger, "stop")
    assert answer.success, answer.message
    sent = stage.node.get_clock().now().to_msg()
    stage.chunk_publisher.publish(chunk(session_id="next", sequence=1, sent=sent))
    stage.wait_until(lambda: stage.progress_of(1), "an answer to the next chunk")
    assert stage.progress_of(1)[0].state == ChunkProgress.ACCEPTED, stage.progress_of(1)[0].message


def test_an_arm_without_any_clock_says_so(stage: Stage) -> None:
    ik = stage.add_ik(use_sim_time=True)
    stage.wait_until_active(ik)
    stage.wait_until(
        lambda: stage.arm_status and "/clock" in stage.arm_status[-1].message, "the status"
    )
    assert stage.arm_status[-1].state == ArmStatus.FAULT


ENDS: list[tuple[Callable[[Scene], Any], str, int]] = [
    (connecting, "connect_timeout_s", PolicyStatus.NO_SERVER),
    (waiting_for_views, "view_timeout_s", PolicyStatus.VIEWS_MISSING),
    (inferring, "infer_timeout_s", PolicyStatus.SERVER_TIMEOUT),
    (playing, "view_stall_s", PolicyStatus.VIEWS_STALE),
    (settling, "settle_timeout_s", PolicyStatus.ARM_SILENT),
]


@pytest.mark.parametrize(
    ("reach", "bound", "cause"), ENDS, ids=[reach.__name__ for reach, _, _ in ENDS]
)
def test_an_episode_whose_world_stands_ends_when_its_time_is_up(
    stage: Stage, world: World, reach: Callable[[Scene], Any], bound: str, cause: int
) -> None:
    scene = Scene(stage, use_sim_time=True, **{bound: 1.0})
    result = reach(scene).get_result_async()
    world.stands = True
    assert stage.wait_for(result, "the result").result.cause == cause
    scene.policy.may_infer.set()


def test_an_episode_whose_world_stands_ends_at_its_time_limit(stage: Stage, world: World) -> None:
    scene = Scene(stage, use_sim_time=True)
    scene.arm.state = ChunkProgress.AWAITING_APPROVAL
    handle = scene.goal(PolicyStatus.AWAITING_APPROVAL, time_limit_s=2.0)
    world.stands = True
    assert stage.result(handle).cause == PolicyStatus.TIME_LIMIT
    stage.wait_until(lambda: scene.arm.stops, "the stop")
