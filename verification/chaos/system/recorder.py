# SPDX-License-Identifier: Apache-2.0
"""Records what the system reports about itself."""

import math
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from vera_ros.motion.causes import Cause as ArmCause
from vera_ros.nodes.common.conversions import LATCHED_BY_MANY
from vera_ros.policy.states import Cause, State
from vera_ros_interfaces.msg import ActionChunk, ArmStatus, ChunkProgress, PolicyStatus
from verification.chaos.system import events
from verification.chaos.system.chunk_log import ChunkLog
from verification.chaos.system.events import Event
from verification.chaos.wiring import FROM_POLICY, policy_name

_COUNTERS = (
    *("frames_dropped", "ticks_skipped", "late_chunks", "steps_dropped", "holds", "reconnects"),
)
_DIAGNOSED_COUNTERS = (
    *("bad_joint_states", "trajectories_rejected", "pictures_skipped", "outliers"),
    *("late_trajectories", "bad_pictures"),
)
_DIAGNOSED_LEVELS = {"clock_offset_s": 0.02}  # noted when it rises above this
_ENDED_WELL = (Cause.NONE, Cause.TASK_SUCCESS, Cause.TIME_LIMIT)
_WAIT_S = 0.3
_WAITING = (State.CONNECTING, State.WAITING_FOR_VIEWS, State.INFERRING)


class Recorder:
    """Records events, and the latencies of all chunks.

    Args:
        node: the rclpy node with the subscriptions.

    Attributes:
        events: all events so far.
        server_latency_s, pipeline_latency_s: latencies of each chunk, from policy_status [s].
        chunks: log of the chunks that were played.
    """

    def __init__(self, node: Node) -> None:
        self.events: list[Event] = []
        self.server_latency_s: list[float] = []
        self.pipeline_latency_s: list[float] = []
        self.chunks = ChunkLog()
        self._status: PolicyStatus | None = None
        self._arm = (0, 0)
        self._wait = State.IDLE, 0.0
        self._counts: dict[str, float] = {}
        self._found: dict[str, set[str]] = {}
        # Deep: of two that follow each other, the first may be the one that matters.
        node.create_subscription(PolicyStatus, "policy_status", self._on_status, LATCHED_BY_MANY)
        # Before it is passed on, its stamps are of the true time.
        node.create_subscription(ActionChunk, policy_name(FROM_POLICY), self.chunks.see_chunk, 50)
        node.create_subscription(ChunkProgress, "chunk_progress", self._on_progress, 50)
        node.create_subscription(ArmStatus, "arm_status", self._on_arm_status, LATCHED_BY_MANY)
        node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 50)

    @property
    def episode_over(self) -> bool:
        """Whether policy_status reports no episode under way; its result may still follow."""
        return self._status is not None and not State(self._status.state).running

    def note(self, source: str, name: str, words: str = "") -> None:
        """Record an event that arrived now."""
        self.events.append(Event(time.monotonic(), source, name, words))

    def see_result(self, cause: int, message: str) -> None:
        """Record a goal's end: its last status may have been superseded by the next goal's."""
        if Cause(cause) not in _ENDED_WELL:
            self.note(events.POLICY, Cause(cause).name.lower(), message)

    def _on_status(self, status: PolicyStatus) -> None:
        before, self._status = self._status, status
        cause = Cause(status.cause)
        changed = before is None or (before.session_id, before.state, before.cause) != (
            status.session_id,
            status.state,
            status.cause,
        )
        if changed and cause not in _ENDED_WELL:
            self.note(events.POLICY, cause.name.lower(), status.message)
        if before is not None and status.state != before.state:
            self._see_state(before, status)
        self._see_wait(status)
        for name in _COUNTERS:
            self._count(name, getattr(status, name))
        if before is not None and status.chunk and status.chunk != before.chunk:
            self.server_latency_s.append(status.server_latency_s)
        if status.pipeline_latency_s and (
            before is None or before.pipeline_latency_s != status.pipeline_latency_s
        ):
            self.pipeline_latency_s.append(status.pipeline_latency_s)

    def _see_state(self, before: PolicyStatus, status: PolicyStatus) -> None:
        state = State(status.state)
        if state is State.PAUSED:
            self.note(events.POLICY, "paused")
        # No end was said: policy_node began anew. Its next episode's status may come first.
        anew = state is State.IDLE or sum(status.view_received) < sum(before.view_received)
        if anew and State(before.state).running:
            self.note(events.POLICY, "episode_forgotten")

    def _see_wait(self, status: PolicyStatus) -> None:
        """Record a state in which an episode waits, once it has lasted for a while."""
        state, now_s = State(status.state), time.monotonic()
        if state is not self._wait[0]:
            self._wait = state, now_s
        elif state in _WAITING and now_s - self._wait[1] > _WAIT_S:
            self.note(events.WAITS, state.name.lower(), status.message)
            self._wait = state, math.inf  # once per wait

    def _on_progress(self, progress: ChunkProgress) -> None:
        self.chunks.see_progress(progress)
        if progress.state in (ChunkProgress.ABORTED, ChunkProgress.REJECTED):
            self.note(events.CHUNK, ArmCause(progress.cause).name.lower(), progress.message)

    def _on_arm_status(self, status: ArmStatus) -> None:
        before, self._arm = self._arm, (status.state, status.cause)
        if self._arm != before and status.cause:
            self.note(events.ARM, ArmCause(status.cause).name.lower(), status.message)
        if self._arm[0] != before[0] and status.state == ArmStatus.INACTIVE:
            self.note(events.ARM, "inactive")

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            node = status.name.rsplit("/", 1)[-1]
            values: dict[str, Any] = {value.key: value.value for value in status.values}
            if "causes" in values:  # not a part of a node
                self._see_causes(node, values["causes"])
            for name in _DIAGNOSED_COUNTERS:
                if name in values:
                    self._count(name, float(values[name]))
            for name, level in _DIAGNOSED_LEVELS.items():
                if name in values:
                    self._count(name, float(abs(float(values[name])) > level))

    def _see_causes(self, node: str, causes: str) -> None:
        """Record the causes that the node's last report did not have."""
        found = set() if causes == "none" else set(causes.split(", "))
        for cause in sorted(found - self._found.get(node, set())):
            name, _, views = cause.partition(" ")
            self.note(events.DIAGNOSTICS, name, views)
        self._found[node] = found

    def _count(self, name: str, value: float) -> None:
        """Record a counter that went up; one that restarted means nothing."""
        if value > self._counts.get(name, value):
            self.note(events.COUNTER, name)
        self._counts[name] = value
