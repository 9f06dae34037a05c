# SPDX-License-Identifier: Apache-2.0
"""`scripts/bench hold`: from the call of the hold service to an arm that slows down, and rests."""

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from scipy.interpolate import CubicHermiteSpline
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from bench import tables
from vera_ros.demo.isolation import free_port, own_domain
from vera_ros.demo.processes import Processes
from vera_ros.embodiments import ActionSpace
from vera_ros.errors import ConfigurationError
from vera_ros.graph import GraphOptions, command, nodes
from vera_ros.middleware import on_loopback
from vera_ros.nodes.conversions import LATCHED, duration_to_seconds, stamp_to_ns
from vera_ros_interfaces.msg import ActionChunk, ArmStatus, ChunkProgress

_NODES = ("sim_node", "ik_node")
_ROWS, _PERIOD_S, _STEP_M = 24, 0.05, 0.012  # of a chunk
_PATIENCE_S = 60.0
_SLOWER = 0.999  # of the plan's speed: an arm that is slower slows down
_MOVES_RAD_S = 0.02


@dataclass(frozen=True)
class Hold:
    """One hold, times after the call [s].

    Attributes:
        published_s: when the stop was there.
        slows_s: stamp of the first point of the stop at which the arm is slower than it would be.
        rests_s: stamp of its last point.
    """

    published_s: float
    slows_s: float
    rests_s: float


def run(holds: int, seed: int) -> tuple[dict[str, object], bool]:
    """Measure that many holds of the simulated arm; return the numbers.

    Raises:
        ConfigurationError: the nodes do not start, or do not do what they should.
    """
    rng = np.random.default_rng(seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["ROS_DOMAIN_ID"] = str(stack.enter_context(own_domain()))
        os.environ.update(on_loopback(os.environ))
        processes = stack.enter_context(Processes(folder, os.environ))
        options = GraphOptions(server_url=f"ws://127.0.0.1:{free_port()}", judge=False)
        for spec in nodes(options):
            if spec.name in _NODES:
                processes.start(spec.name, command(spec, "", folder))
        rclpy.init()
        stack.callback(rclpy.try_shutdown)
        caller = _Caller()
        stack.callback(caller.destroy_node)
        measured = [caller.hold(i, float(rng.uniform(0.0, 0.9))) for i in range(holds)]
    numbers = {
        name: _distribution([getattr(hold, name) for hold in measured])
        for name in ("published_s", "slows_s", "rests_s")
    }
    tables.make_console().print(tables.hold_table(numbers, holds))
    return {"holds": holds, "seed": seed, **numbers}, True


def _distribution(values_s: list[float]) -> dict[str, float]:
    milliseconds = 1e3 * np.array(values_s)
    percentiles = {f"p{p}_ms": float(np.percentile(milliseconds, p)) for p in (50, 90, 99)}
    return {**percentiles, "max_ms": float(milliseconds.max())}


class _Caller(Node):
    """Gives ik_node chunks to play, and calls the service."""

    def __init__(self) -> None:
        super().__init__("caller")
        self._executor_here = SingleThreadedExecutor()
        self._executor_here.add_node(self)
        self._sent: list[tuple[JointTrajectory, float]] = []
        self._progress: list[ChunkProgress] = []
        self._status: ArmStatus | None = None
        self._chunks = self.create_publisher(ActionChunk, "action_chunk", 10)
        self._services = {name: self.create_client(Trigger, name) for name in ("hold", "release")}
        self.create_subscription(
            JointTrajectory, "arm_controller/joint_trajectory", self._on_trajectory, 10
        )
        self.create_subscription(ChunkProgress, "chunk_progress", self._progress.append, 10)
        self.create_subscription(ArmStatus, "arm_status", self._on_status, LATCHED)

    def hold(self, number: int, phase_s: float) -> Hold:
        """Play a chunk, and hold when `phase_s` of it have passed since its first step."""
        self._wait(lambda: self._status and self._status.state == ArmStatus.READY, "a ready arm")
        self._progress.clear()
        self._chunks.publish(_chunk(number))
        self._wait(lambda: any(m.state == ChunkProgress.PLAYING for m in self._progress), "a step")
        until_s = time.monotonic() + phase_s
        self._wait(lambda: time.monotonic() >= until_s, "the moment")
        sent = len(self._sent)
        called_s = self._now_s()
        answer = self._services["hold"].call_async(Trigger.Request())
        self._wait(lambda: len(self._sent) > sent, "the stop")
        (plan, _), (stop, came_s) = self._sent[sent - 1], self._sent[sent]
        self._wait(answer.done, "rest")
        released = self._services["release"].call_async(Trigger.Request())
        self._wait(released.done, "the release")
        slows_s, rests_s = _slows_and_rests(plan, stop)
        return Hold(came_s - called_s, slows_s - called_s, rests_s - called_s)

    def _on_trajectory(self, message: JointTrajectory) -> None:
        self._sent.append((message, self._now_s()))

    def _on_status(self, message: ArmStatus) -> None:
        self._status = message

    def _now_s(self) -> float:
        return float(self.get_clock().now().nanoseconds) * 1e-9

    def _wait(self, condition: Callable[[], object], what: str) -> None:
        deadline_s = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > deadline_s:
                raise ConfigurationError(
                    f"waited {_PATIENCE_S:g} s for {what}; is the machine overloaded?"
                )
            self._executor_here.spin_once(timeout_sec=0.002)


def _chunk(number: int) -> ActionChunk:
    """Steps forth, or back where the last one went forth."""
    deltas = np.zeros((_ROWS, 6))
    deltas[:, 1] = _STEP_M * (1.0 if number % 2 else -1.0)
    return ActionChunk(
        session_id=f"hold-{number}",
        embodiment="mimicgen",
        action_space=ActionSpace.EEF_DELTA.value,
        control_dt_s=_PERIOD_S,
        horizon=_ROWS,
        columns=6,
        actions=deltas.ravel().tolist(),
    )


def _slows_and_rests(plan: JointTrajectory, stop: JointTrajectory) -> tuple[float, float]:
    """When a stop first is slower than the plan that it replaces, and when it ends, ROS time."""
    plan_times, plan_speed = _speed(plan)
    times, speed = _speed(stop)
    due = CubicHermiteSpline(plan_times, *_with_slopes(plan_times, plan_speed))(
        np.clip(times, plan_times[0], plan_times[-1])
    )
    slower = np.flatnonzero((speed < _SLOWER * due) | (due < _MOVES_RAD_S))
    return float(times[slower[0]]), float(times[-1])


def _speed(message: JointTrajectory) -> tuple[np.ndarray, np.ndarray]:
    begins_s = stamp_to_ns(message.header.stamp) * 1e-9
    times = np.array([begins_s + duration_to_seconds(p.time_from_start) for p in message.points])
    return times, np.array([np.linalg.norm(p.velocities) for p in message.points])


def _with_slopes(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values, np.gradient(values, times)
