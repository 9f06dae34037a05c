# SPDX-License-Identifier: Apache-2.0
"""What is measured while an episode runs."""

from dataclasses import dataclass, replace
from typing import Any

from vera_ros.demo.report import Counters


@dataclass(frozen=True)
class _ChunkLatency:
    server_s: float
    infer_s: float
    pipeline_s: float | None


class EpisodeMeasurements:
    """Gathers an episode's measurements from statuses, truths and picture stamps.

    Args:
        stale_session: the session before this one, whose statuses are ignored.
        views: names of the views.
        realtime_factor: simulated over real time.
    """

    def __init__(self, stale_session: str, views: tuple[str, ...], realtime_factor: float) -> None:
        self._stale_session = stale_session
        self._realtime_factor = realtime_factor
        self._chunks: dict[int, _ChunkLatency] = {}
        self._stamps_ns: dict[str, list[int]] = {view: [] for view in views}
        self.realtime_factors: list[float] = []
        self._frames_dropped_before = 0
        self.status: Any = None

    def see_status(self, status: Any) -> bool:
        """Take note of a PolicyStatus; return whether it belongs to this episode."""
        if not status.session_id or status.session_id == self._stale_session:
            return False
        if self.status is None:
            self._frames_dropped_before = status.frames_dropped
        self.status = status
        if status.chunk:
            # The pipeline's latency is known a moment after the chunk: the last word counts.
            self._chunks[status.chunk] = _ChunkLatency(
                status.server_latency_s, status.server_infer_s, self._pipeline_s(status)
            )
        return True

    def see_picture(self, view: str, stamp_ns: int) -> None:
        """Take note of a picture's stamp; one may be shown again."""
        stamps_ns = self._stamps_ns[view]
        if not stamps_ns or stamp_ns > stamps_ns[-1]:
            stamps_ns.append(stamp_ns)

    @property
    def server_latency_s(self) -> tuple[float, ...]:
        """Latency of each chunk, as the client saw it."""
        return tuple(latency.server_s for latency in self._chunks.values())

    @property
    def server_infer_s(self) -> tuple[float, ...]:
        """The part of each chunk's latency that the server says it needed; 0: it does not say."""
        return tuple(latency.infer_s for latency in self._chunks.values())

    @property
    def pipeline_latency_s(self) -> tuple[float, ...]:
        """Latency of each chunk that was published, real time."""
        return tuple(c.pipeline_s for c in self._chunks.values() if c.pipeline_s is not None)

    def _pipeline_s(self, status: Any) -> float | None:
        """The status subtracts the server's real time from a span of ROS time: put that right."""
        if status.pipeline_latency_s == 0.0:  # not known yet
            return None
        span_s = status.pipeline_latency_s + status.server_infer_s
        return float(span_s / self._realtime_factor - status.server_infer_s)

    @property
    def moving_share(self) -> float | None:
        """Share of the time since the first chunk in which one played; None: there was none."""
        return float(self.status.moving_share) if self._chunks else None

    @property
    def counters(self) -> Counters:
        """The last status's counters; the dropped frames since the episode's first status."""
        if self.status is None:
            return Counters()
        counters = Counters(**{name: int(getattr(self.status, name)) for name in vars(Counters())})
        dropped = counters.frames_dropped - self._frames_dropped_before
        return replace(counters, frames_dropped=dropped)

    def camera_rate_hz(self, until_ns: int) -> dict[str, float]:
        """Pictures per second of their own stamps, of each view that sent two or more by then."""
        counted = {
            view: [stamp_ns for stamp_ns in stamps_ns if stamp_ns <= until_ns]
            for view, stamps_ns in self._stamps_ns.items()
        }
        return {
            view: (len(stamps) - 1) / ((stamps[-1] - stamps[0]) * 1e-9)
            for view, stamps in counted.items()
            if len(stamps) > 1
        }
