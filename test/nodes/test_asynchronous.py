# SPDX-License-Identifier: Apache-2.0
"""Goals whose chunks overlap with inferences, and goals that pause, with both nodes."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from vera_ros.motion.setpoint.setpoint import PAST_S
from vera_ros.motion.trajectory import ArmTrajectory
from vera_ros.nodes.common.conversions import duration_to_seconds, stamp_to_ns
from vera_ros.nodes.ik.setup.motion_setup import set_up_arm
from vera_ros_interfaces.action import ExecuteTask
from vera_ros_interfaces.msg import ChunkProgress, PolicyStatus
from verification.judge.played import state_at

from ..motion.checker import check
from .stage import ScriptedPolicy, Stage, actions, measured_by, urdf

ASYNC = ExecuteTask.Goal.ASYNC
HAND_OVERS = 3
LEAD_S = 0.0125  # of a stop, and of all else at least
# By how much a spline that is made anew may part from the one that it repeats.
CONTINUITY = (1e-5, 1e-3, 0.1)  # [rad, rad/s, rad/s^2]
# Chunks that move to and fro: the arm stays where it may be.
FORTH = actions(rows=20, down=0.15)


class ToAndFro(ScriptedPolicy):
    """Moves down and up in turns, and takes pending actions into account."""

    def infer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        super().infer(request)
        sign = 1.0 if len(self.requests) % 2 else -1.0
        chunk = FORTH.copy()
        chunk[:, :6] *= sign
        pending = request.get("pending_actions")
        return {
            "action": chunk,
            "info": {} if pending is None else {"pending_actions": len(pending)},
        }


@pytest.fixture
def policy(stage: Stage) -> ToAndFro:
    policy = ToAndFro()
    stage.serve(policy, delay_s=0.3)
    ik, node = stage.add_ik(), stage.add_policy(view_stall_s=60.0, arm_timeout_s=60.0)
    stage.wait_until_active(ik, node)
    stage.wait_for_exchange()
    stage.wait_until(lambda: measured_by(ik), "joint states")
    return policy


def superseded(stage: Stage) -> list[ChunkProgress]:
    return [message for message in stage.progress if message.state == ChunkProgress.SUPERSEDED]


def test_chunks_take_over_in_motion_and_every_question_carries_what_is_pending(
    stage: Stage, policy: ToAndFro
) -> None:
    handle = stage.goal(mode=ASYNC)
    stage.wait_until(lambda: len(superseded(stage)) >= 3, "three hand-overs")
    stage.wait_for(handle.cancel_goal_async(), "the answer to the cancellation")
    assert stage.result(handle).outcome == ExecuteTask.Result.CANCELLED
    stage.wait_until(stage.rests, "the arm to rest")
    assert policy.requests[0].get("pending_actions") is None
    pending = [request["pending_actions"] for request in policy.requests[1:4]]
    assert all(rows.shape[1] == 7 and len(rows) for rows in pending)
    assert any(message.mode == ASYNC and message.inferring for message in stage.status)
    origins = [chunk.planned_from for chunk in stage.chunks]
    assert all(stamp_to_ns(origin.header.stamp) for origin in origins)
    assert len({origin.pose.position.z for origin in origins}) > 1


def as_sent(message: JointTrajectory) -> ArmTrajectory:
    """A trajectory as a controller plays it that has it in time."""
    q, dq, ddq = (
        np.array([getattr(point, name) for point in message.points])
        for name in ("positions", "velocities", "accelerations")
    )
    times_s = np.array([duration_to_seconds(point.time_from_start) for point in message.points])
    return ArmTrajectory(times_s[1:], q[1:], dq[1:], ddq[1:], q[0], dq[0], ddq[0])


def test_every_hand_over_continues_position_velocity_and_acceleration(
    stage: Stage, policy: ToAndFro
) -> None:
    """What is sent goes on from what plays at its time 0, at rates and jerks within the limits."""
    (ik,) = (node for node in stage._under_test if node.get_name() == "ik_node")
    limits = set_up_arm(ik.parameters, urdf()).limits
    handle = stage.goal(mode=ASYNC)
    stage.wait_until(lambda: len(superseded(stage)) >= HAND_OVERS, "the hand-overs")
    stage.wait_for(handle.cancel_goal_async(), "the answer to the cancellation")
    stage.result(handle)
    played = as_sent(stage.arm_trajectories[0])
    in_motion = 0
    for before, after in itertools.pairwise(stage.arm_trajectories):
        elapsed_s = (stamp_to_ns(after.header.stamp) - stamp_to_ns(before.header.stamp)) * 1e-9
        in_motion += elapsed_s < played.times_s[-1]
        following = as_sent(after)
        check(following, limits)
        # It repeats what plays from some time before it was sent until it takes over.
        for later_s in np.linspace(0.0, PAST_S + LEAD_S, 10):
            due = state_at(played, elapsed_s + later_s)
            for new, old, most in zip(state_at(following, later_s), due, CONTINUITY, strict=True):
                np.testing.assert_allclose(new, old, atol=most)
        played = following
    assert in_motion >= HAND_OVERS


def test_a_goal_pauses_at_rest_and_goes_on(stage: Stage, policy: ToAndFro) -> None:
    handle = stage.goal(mode=ASYNC)
    stage.wait_until(lambda: superseded(stage), "a hand-over")
    assert stage.call(Trigger, "pause").success
    stage.wait_for_state(PolicyStatus.PAUSED)
    stage.wait_until(stage.rests, "the arm to rest")
    sent = len(stage.arm_trajectories)
    assert stage.call(Trigger, "resume").success
    stage.wait_until(lambda: len(stage.arm_trajectories) > sent, "motion")
    stage.judge(True)
    assert stage.result(handle).outcome == ExecuteTask.Result.SUCCEEDED


def test_without_an_episode_there_is_nothing_to_pause(stage: Stage, policy: ToAndFro) -> None:
    for service in ("pause", "resume"):
        answer = stage.call(Trigger, service)
        assert not answer.success
        assert "no episode" in answer.message


def test_an_unknown_mode_is_refused(stage: Stage, policy: ToAndFro) -> None:
    assert "mode 7 is not possible; valid is 0 (SYNC) or 1 (ASYNC)" in stage.refused_goal(mode=7)
