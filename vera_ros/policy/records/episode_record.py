# SPDX-License-Identifier: Apache-2.0
"""Record of an episode: counts, latencies, time in motion, and result."""

import numpy as np

from vera_ros.policy.goal import Result
from vera_ros.policy.ports import Progress
from vera_ros.policy.records.statistics import Counters, Latencies
from vera_ros.wire.protocol.messages import InferReply

_SLOWED = 1.01  # time stretch above which a chunk counts as slowed


class EpisodeRecord:
    """Counts events and collects latencies, for one episode at a time.

    Attributes:
        counters: of the present or last episode.
        latencies: of the last chunks, across episodes.
        result: how the last episode ended; None: it is under way.
        restarts: sessions that were restarted since the last chunk.
    """

    def __init__(self) -> None:
        self.latencies = Latencies()
        self.begin()

    def begin(self) -> None:
        """Reset for a new episode; latencies are kept."""
        self.counters = Counters()
        self.result: Result | None = None
        self.restarts = 0
        self._moving_s = self._passed_s = 0.0

    def restarted(self) -> None:
        """Count a new session after the server was lost."""
        self.restarts += 1
        self.counters.reconnects += 1

    def replied(self, reply: InferReply, latency_s: float) -> None:
        """Record a reply of the server. `latency_s`: measured by the client."""
        counters = self.counters
        counters.server_latency_s = latency_s
        counters.server_infer_s = _number(reply.info.get("infer_s"))
        counters.phase = str(reply.info.get("phase", ""))
        self.latencies.server.add(latency_s)
        if counters.server_infer_s:
            self.latencies.infer.add(counters.server_infer_s)

    def sent(self, clipped_rows: int) -> int:
        """Count a chunk sent to the arm side; return its sequence number."""
        self.counters.clipped_rows += clipped_rows
        self.counters.chunks += 1
        self.restarts = 0
        return self.counters.chunks - 1

    def replaced(self, dropped: int, blended: int) -> None:
        """Count the steps that were dropped and blended where a chunk replaced another one."""
        self.counters.late_chunks += dropped > 0
        self.counters.steps_dropped += dropped
        self.counters.steps_blended += blended

    def accepted(self, progress: Progress, pipeline_s: float) -> None:
        """Record the arm side's plan. `pipeline_s`: from frame to trajectory; 0: unknown."""
        self.counters.pipeline_latency_s = pipeline_s
        if pipeline_s:
            self.latencies.pipeline.add(pipeline_s)
        self.latencies.planning.add(progress.planning_s)
        self.counters.rails_bound_chunks += progress.rails_bound
        self.counters.slowed_chunks += progress.time_stretch > _SLOWED

    def passed(self, duration_s: float, *, moving: bool) -> None:
        """Add time that has passed since the first chunk, in motion or not."""
        self._passed_s += duration_s
        self._moving_s += duration_s if moving else 0.0

    @property
    def moving_share(self) -> float:
        """Share of the time since the first chunk in which one played; 0 before any."""
        return self._moving_s / self._passed_s if self._passed_s > 0.0 else 0.0


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float | np.number) else 0.0
