# SPDX-License-Identifier: Apache-2.0
"""Plays chunks on an arm and holds it at random moments, again and again."""

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
_EVERY_S = 0.25  # the next chunk takes over half way, as in an asynchronous episode
_MOMENTS_S = (0.05, 1.2)  # after the first chunk was accepted
_STEP_M, _STEP_RAD = 0.02, 0.05
_SAME_RAD = 1e-6
_BEFORE_NS = 1_000_000_000  # for which an arm waits at the first point of a plan
_ANSWER_S = 20.0
_TRIES = 5


def stop_times(
    stop: JointTrajectory, before: JointTrajectory, called_ns: int
) -> tuple[float, float]:
    """When a stop slows the arm down and when it rests, after the call [s].

    The first is the time of the first point that is not on the plan which the stop replaces. Where
    all are, that plan ends as soon itself; then it is the first point.

    Args:
        stop: the trajectory of the stop.
        before: the one that it replaces.
        called_ns: ROS time of the call.
    """
    plan, points = _knots(before), _knots(stop)
    played = Trajectory(plan, Knot(-_BEFORE_NS, plan[0].q))
    later_ns = stamp_to_ns(stop.header.stamp) - stamp_to_ns(before.header.stamp)
    planned = [played.sample(later_ns + point.time_ns) for point in points]
    off = [
        there is None or np.abs(point.q - there.q).max() > _SAME_RAD
        for point, there in zip(points, planned, strict=True)
    ]
    sent_ns = stamp_to_ns(stop.header.stamp) - called_ns
    slower, last = points[int(np.argmax(off))], points[-1]
    return (sent_ns + slower.time_ns) * 1e-9, (sent_ns + last.time_ns) * 1e-9


def _knots(message: JointTrajectory) -> list[Knot]:
    return checked_knots(trajectory_points(message), len(message.joint_names))


@dataclass(frozen=True)
class HoldTimes:
    """What a hold took, from the call of the service on [s].

    Attributes:
        slower_s: to the first point of the stop that is slower than the plan.
        rest_s: to the end of the stop.
        answer_s: to the answer, which says that the arm was seen at rest.
    """

    slower_s: float
    rest_s: float
    answer_s: float


@dataclass
class _Heard:
    trajectories: list[JointTrajectory] = field(default_factory=list)
    progress: list[ChunkProgress] = field(default_factory=list)
    position: Vector | None = None
    status: ArmStatus | None = None


class Drill:
    """Asks ik_node to play and to hold.

    Args:
        node: the rclpy node that asks.
        waiter: lets everything run.
        rng: draws chunks and moments.
    """

    def __init__(self, node: Any, waiter: Waiter, rng: np.random.Generator) -> None:
        self._waiter = waiter
        self._rng = rng
        self._heard = _Heard()
        self._session, self._home = 0, np.zeros(3)
        heard = self._heard
        self._chunks = node.create_publisher(ActionChunk, "action_chunk", 10)
        node.create_subscription(
            JointTrajectory,
            "arm_controller/joint_trajectory",
            heard.trajectories.append,
            10,
        )
        node.create_subscription(ChunkProgress, "chunk_progress", heard.progress.append, 100)
        node.create_subscription(PoseStamped, "tcp_pose", self._on_pose, qos_profile_sensor_data)
        node.create_subscription(ArmStatus, "arm_status", self._on_status, LATCHED)
        self._hold, self._release = (
            node.create_client(Trigger, name) for name in ("hold", "release")
        )

    def get_ready(self, within_s: float) -> None:
        """Wait until the arm side is ready.

        Raises:
            DemoError: it is not in time.
        """
        self._wait(
            lambda: (
                self._hold.service_is_ready()
                and self._release.service_is_ready()
                and self._chunks.get_subscription_count() == 1
                and self._heard.position is not None
                and self._is(ArmStatus.READY)
            ),
            "ik_node to be ready",
            within_s,
        )
        assert self._heard.position is not None
        self._home = self._heard.position

    def hold_once(self) -> HoldTimes:
        """Play chunks, hold the arm at some moment, release it, and tell how long that took.

        Where nothing played at that moment, since a chunk led too near to a limit, once more.

        Raises:
            DemoError: something was not as it must be.
        """
        for _ in range(_TRIES):
            if (times := self._try_to_hold()) is not None:
                return times
        raise DemoError(f"{_TRIES} times in a row, nothing played: {self._refusals()}")

    def _try_to_hold(self) -> HoldTimes | None:
        heard = self._heard
        self._session += 1
        heard.progress.clear()
        heard.trajectories.clear()
        self._send_chunk(0)
        self._wait(lambda: heard.progress, "the answer to a chunk", _ANSWER_S)
        self._play_for(float(self._rng.uniform(*_MOMENTS_S)))
        called_ns = time.time_ns()
        answer = self._call(self._hold)
        answer_s = (time.time_ns() - called_ns) * 1e-9
        if not answer.success:
            raise DemoError(f"a hold failed: {answer.message}")
        self._wait(lambda: self._is(ArmStatus.HELD), "the status", _ANSWER_S)
        self._call(self._release)
        self._wait(lambda: self._is(ArmStatus.READY), "the release", _ANSWER_S)
        if not any(p.state == p.ABORTED and p.cause == p.HELD for p in heard.progress):
            return None
        if len(heard.trajectories) < 2:
            raise DemoError("a hold was answered, and no stop was published")
        before, stop = heard.trajectories[-2:]
        slower_s, rest_s = stop_times(stop, before, called_ns)
        if rest_s < 0.0:
            raise DemoError("a hold was answered, and no stop was published")
        return HoldTimes(slower_s, rest_s, answer_s)

    def _refusals(self) -> str:
        return "; ".join(progress.message for progress in self._heard.progress if progress.message)

    def _play_for(self, duration_s: float) -> None:
        """Keep the arm moving."""
        began_s, sent = time.monotonic(), 1
        while (passed_s := time.monotonic() - began_s) < duration_s:
            if passed_s >= sent * _EVERY_S:
                self._send_chunk(sent)
                sent += 1
            self._waiter.spin(min(0.005, duration_s - passed_s))

    def _send_chunk(self, sequence: int) -> None:
        """Somewhere, and rather back towards where all began."""
        assert self._heard.position is not None
        away = self._heard.position - self._home
        direction = self._rng.uniform(-1.0, 1.0, 3) - 10.0 * away
        deltas = np.zeros((ACTIONS, 6))
        deltas[:, :3] = _STEP_M * np.clip(direction, -1.0, 1.0)
        deltas[:, 5] = self._rng.uniform(-_STEP_RAD, _STEP_RAD)
        self._chunks.publish(
            ActionChunk(
                sent=ns_to_stamp(time.time_ns()),
                session_id=f"drill {self._session}",
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
        self._heard.position = np.array([p.x, p.y, p.z])

    def _on_status(self, message: ArmStatus) -> None:
        self._heard.status = message

    def _is(self, state: int) -> bool:
        return self._heard.status is not None and self._heard.status.state == state

    def _call(self, client: Any) -> Any:
        return self._waiter.result(
            client.call_async(Trigger.Request()), f"{client.srv_name} to answer", _ANSWER_S
        )

    def _wait(self, condition: Callable[[], object], what: str, within_s: float) -> None:
        self._waiter.until(lambda: "" if condition() else what, within_s)
