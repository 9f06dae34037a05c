# SPDX-License-Identifier: Apache-2.0
"""Client of the hold benchmark: plays chunks, holds the arm at random times, times its stops."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from rclpy.qos import qos_profile_sensor_data
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from vera_ros.bringup.failures import DemoError
from vera_ros.bringup.waiter import Waiter
from vera_ros.embodiments import ActionSpace
from vera_ros.nodes.common.conversions import (
    LATCHED,
    doubles,
    ns_to_stamp,
    stamp_to_ns,
    trajectory_points,
)
from vera_ros.sim.trajectory import Knot, Trajectory, checked_knots
from vera_ros_interfaces.msg import ActionChunk, ArmStatus, ChunkProgress
from verification.rig import CONTROL_DT_S, Vector

ACTIONS = 10
_CHUNK_PERIOD_S = 0.25  # the next chunk takes over half way, as in an asynchronous episode
_HOLD_AFTER_S = (0.05, 1.2)  # range of the time from the first chunk's acceptance to the hold
_STEP_M, _STEP_RAD = 0.02, 0.05
_SAME_RAD = 1e-6
_BEFORE_NS = 1_000_000_000  # time before a plan, in which the arm rests at its first point
_ANSWER_S = 20.0
_TRIES = 5


def stop_times(
    stop: JointTrajectory, before: JointTrajectory, called_ns: int
) -> tuple[float, float]:
    """Return when a stop slows the arm down and when the arm rests, after the call [s].

    The first is the time of the stop's first point off the plan that it replaces, or, if the stop
    does not leave that plan, of its first point.

    Args:
        stop: trajectory of the stop.
        before: trajectory that it replaces.
        called_ns: ROS time of the call [ns].
    """
    plan, points = _knots(before), _knots(stop)
    played = Trajectory(plan, Knot(-_BEFORE_NS, plan[0].q))
    later_ns = stamp_to_ns(stop.header.stamp) - stamp_to_ns(before.header.stamp)
    planned = [played.sample(later_ns + point.time_ns) for point in points]
    off = [
        plan_point is None or np.abs(point.q - plan_point.q).max() > _SAME_RAD
        for point, plan_point in zip(points, planned, strict=True)
    ]
    sent_ns = stamp_to_ns(stop.header.stamp) - called_ns
    slower, last = points[int(np.argmax(off))], points[-1]
    return (sent_ns + slower.time_ns) * 1e-9, (sent_ns + last.time_ns) * 1e-9


def _knots(message: JointTrajectory) -> list[Knot]:
    return checked_knots(trajectory_points(message), len(message.joint_names))


@dataclass(frozen=True)
class HoldTimes:
    """Times of a hold, from the call of the service.

    Attributes:
        lead_s: ik_node's lead then, by its status.
        slower_s: time to the first point of the stop that is slower than the plan.
        rest_s: time to the end of the stop.
        answer_s: time to the service's response, which is sent when the arm is measured at rest.
    """

    lead_s: float
    slower_s: float
    rest_s: float
    answer_s: float


@dataclass
class _Received:
    trajectories: list[JointTrajectory] = field(default_factory=list)
    progress: list[ChunkProgress] = field(default_factory=list)
    position: Vector | None = None
    status: ArmStatus | None = None


class HoldTrials:
    """Client that has ik_node play random chunks and hold the arm at random times.

    Args:
        node: the client's rclpy node.
        waiter: spins the node while it waits.
        rng: draws chunks and times of holds.
    """

    def __init__(self, node: Any, waiter: Waiter, rng: np.random.Generator) -> None:
        self._waiter = waiter
        self._rng = rng
        self._received = _Received()
        self._session, self._start_m = 0, np.zeros(3)
        received = self._received
        self._chunks = node.create_publisher(ActionChunk, "action_chunk", 10)
        node.create_subscription(
            JointTrajectory,
            "arm_controller/joint_trajectory",
            received.trajectories.append,
            10,
        )
        node.create_subscription(ChunkProgress, "chunk_progress", received.progress.append, 100)
        node.create_subscription(PoseStamped, "tcp_pose", self._on_pose, qos_profile_sensor_data)
        node.create_subscription(ArmStatus, "arm_status", self._on_status, LATCHED)
        self._hold, self._release = (
            node.create_client(Trigger, f"ik_node/{name}") for name in ("hold", "release")
        )

    def wait_until_ready(self, within_s: float) -> None:
        """Wait until ik_node is ready.

        Raises:
            DemoError: it is not ready within `within_s`.
        """
        self._wait(
            lambda: (
                self._hold.service_is_ready()
                and self._release.service_is_ready()
                and self._chunks.get_subscription_count() == 1
                and self._received.position is not None
                and self._has_state(ArmStatus.READY)
            ),
            "ik_node to be ready",
            within_s,
        )
        assert self._received.position is not None
        self._start_m = self._received.position

    def hold_once(self) -> HoldTimes:
        """Play chunks, hold the arm at a random time, release it; return the times of the hold.

        If nothing played at that time, since a chunk led too near to a limit, it tries again.

        Raises:
            DemoError: a call failed or timed out, no stop was published, or nothing ever played.
        """
        for _ in range(_TRIES):
            if (times := self._try_to_hold()) is not None:
                return times
        raise DemoError(
            f"nothing played when the hold was called, {_TRIES} times in a row: {self._refusals()}"
        )

    def _try_to_hold(self) -> HoldTimes | None:
        received = self._received
        self._session += 1
        received.progress.clear()
        received.trajectories.clear()
        self._send_chunk(0)
        self._wait(lambda: received.progress, "a chunk's progress", _ANSWER_S)
        self._play_for(float(self._rng.uniform(*_HOLD_AFTER_S)))
        assert received.status is not None
        lead_s, called_ns = received.status.lead_s, time.time_ns()
        answer = self._call(self._hold)
        answer_s = (time.time_ns() - called_ns) * 1e-9
        if not answer.success:
            raise DemoError(f"the service `hold` failed: {answer.message}")
        self._wait(lambda: self._has_state(ArmStatus.HELD), "the arm's status HELD", _ANSWER_S)
        self._call(self._release)
        self._wait(lambda: self._has_state(ArmStatus.READY), "the arm's status READY", _ANSWER_S)
        if not any(p.state == p.ABORTED and p.cause == p.HELD for p in received.progress):
            return None
        if len(received.trajectories) < 2:
            raise DemoError("a hold succeeded, but no stop was published")
        before, stop = received.trajectories[-2:]
        slower_s, rest_s = stop_times(stop, before, called_ns)
        if rest_s < 0.0:
            raise DemoError("a hold succeeded, but the last trajectory ended before its call")
        return HoldTimes(lead_s, slower_s, rest_s, answer_s)

    def _refusals(self) -> str:
        return "; ".join(
            progress.message for progress in self._received.progress if progress.message
        )

    def _play_for(self, duration_s: float) -> None:
        """Send chunks for a while, so that the arm keeps moving."""
        began_s, sent = time.monotonic(), 1
        while (passed_s := time.monotonic() - began_s) < duration_s:
            if passed_s >= sent * _CHUNK_PERIOD_S:
                self._send_chunk(sent)
                sent += 1
            self._waiter.spin(min(0.005, duration_s - passed_s))

    def _send_chunk(self, sequence: int) -> None:
        """Send a chunk in a random direction, biased back to where the arm began."""
        assert self._received.position is not None
        away = self._received.position - self._start_m
        direction = self._rng.uniform(-1.0, 1.0, 3) - 10.0 * away
        deltas = np.zeros((ACTIONS, 6))
        deltas[:, :3] = _STEP_M * np.clip(direction, -1.0, 1.0)
        deltas[:, 5] = self._rng.uniform(-_STEP_RAD, _STEP_RAD)
        self._chunks.publish(
            ActionChunk(
                sent=ns_to_stamp(time.time_ns()),
                session_id=f"hold {self._session}",
                sequence=sequence,
                embodiment="mimicgen",
                action_space=ActionSpace.EEF_DELTA.value,
                control_dt_s=CONTROL_DT_S,
                horizon=ACTIONS,
                columns=6,
                actions=doubles(deltas),
            )
        )

    def _on_pose(self, message: PoseStamped) -> None:
        p = message.pose.position
        self._received.position = np.array([p.x, p.y, p.z])

    def _on_status(self, message: ArmStatus) -> None:
        self._received.status = message

    def _has_state(self, state: int) -> bool:
        return self._received.status is not None and self._received.status.state == state

    def _call(self, client: Any) -> Any:
        return self._waiter.result(
            client.call_async(Trigger.Request()), f"{client.srv_name} to answer", _ANSWER_S
        )

    def _wait(self, condition: Callable[[], object], what: str, within_s: float) -> None:
        self._waiter.until(lambda: "" if condition() else what, within_s)
