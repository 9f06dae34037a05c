# SPDX-License-Identifier: Apache-2.0
"""Simulated time in step with real time."""

import threading
import time
from collections.abc import Callable, Mapping

from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.common.ticker import Ticker
from vera_ros.nodes.sim.sim_time import Stream
from vera_ros.sim.pacer import Pacer
from vera_ros.sim.simulation import Simulation, advance_to
from vera_ros.sim.system_clock import SystemClock

_TICK_S = 0.005  # how often simulated time is brought up to date


class SimRealTime:
    """Steps the world in step with real time, in a thread of its own (see SimTime).

    Args:
        node: the rclpy node.
        robot: the simulated robot.
        lock: guards the world between the ticker's thread and callbacks.
        streams: the published streams by name.
    """

    def __init__(
        self,
        node: VeraNode,
        robot: Simulation,
        lock: threading.Lock,
        streams: Mapping[str, Stream],
    ) -> None:
        self._node = node
        self._robot = robot
        self._lock = lock
        self._streams = streams
        self._due_s = dict.fromkeys(streams, 0.0)
        self._ticker: Ticker | None = None
        self._pacer: Pacer | None = None
        self._system = SystemClock()

    @property
    def running(self) -> bool:
        """See SimTime."""
        return self._ticker is not None

    @property
    def realtime_factor(self) -> float:
        """See SimTime."""
        return self._pacer.realtime_factor if self._pacer else 0.0

    def stamp_ns(self) -> int:
        """Return the present's stamp [ns]: simulated time with /clock, else the system's time."""
        if self._node.parameters["publish_clock"] or self._pacer is None:
            return round(self._robot.time_s * 1e9)
        return self._system.time_ns(self._pacer.steady_s(self._robot.time_s))

    def start(self) -> None:
        """Let time run."""
        p, sim_s = self._node.parameters, self._robot.time_s
        self._pacer = Pacer(p["realtime_factor"], time.monotonic(), sim_s)
        self._ticker = Ticker(_TICK_S, self._tick, self._node.fail)

    def stop(self) -> None:
        """Let time stand still."""
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    def catch_up(self) -> None:
        """See SimTime."""
        if self._pacer is None:
            return
        robot = self._robot
        self._system.update()
        target_s = self._pacer.target_s(time.monotonic(), robot.time_s)
        while target_s - robot.time_s >= robot.step_s:
            advance_to(robot, min(target_s, self._next_due_s()))
            self._publish_due()

    def note_trajectory(self, name: str) -> None:
        """Do nothing: real time waits for no trajectory."""

    async def set_scene(self, reset: Callable[[], None]) -> str:
        """See SimTime."""
        reset()
        return ""

    def _tick(self) -> None:
        with self._lock:
            self.catch_up()

    def _next_due_s(self) -> float:
        return max(min(self._due_s.values()), self._robot.time_s + self._robot.step_s)

    def _publish_due(self) -> None:
        now_s = self._robot.time_s + 1e-6
        for name, stream in self._streams.items():
            if now_s >= self._due_s[name]:
                period_s = 1.0 / stream.rate_hz
                self._due_s[name] = (now_s // period_s + 1) * period_s
                stream.publish()
