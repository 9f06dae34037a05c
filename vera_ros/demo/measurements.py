# SPDX-License-Identifier: Apache-2.0
"""Measurements of a running episode."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from vera_ros.demo.episode_report import Counters, EpisodeReport, ViewReport
from vera_ros.demo.judge import Judge, Verdict
from vera_ros.policy.states import Cause, Outcome, State


@dataclass(frozen=True)
class _ChunkLatency:
    server_s: float
    infer_s: float
    pipeline_s: float | None


class EpisodeMeasurements:
    """Gathers an episode's measurements from statuses, chunks' progress, truths and picture stamps.

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
        self._planning_s: dict[tuple[str, int], float] = {}
        self._ages_s: dict[str, list[float]] = {view: [] for view in views}
        self._first_status: Any = None
        self.status: Any = None

    def see_status(self, status: Any) -> bool:
        """Record a PolicyStatus; return whether it belongs to this episode."""
        if not status.session_id or status.session_id == self._stale_session:
            return False
        if self._first_status is None:
            self._first_status = status
        self.status = status
        if State(status.state).running:
            for view, age_s in zip(status.views, status.view_age_s, strict=True):
                if age_s >= 0.0:
                    self._ages_s.setdefault(view, []).append(age_s)
        if status.chunk:
            # The pipeline's latency is known a moment after the chunk: the last status counts.
            self._chunks[status.chunk] = _ChunkLatency(
                status.server_latency_s, status.server_infer_s, self._pipeline_s(status)
            )
        return True

    def see_progress(self, progress: Any) -> None:
        """Record the planning time of a ChunkProgress."""
        stale = progress.session_id == self._stale_session
        if progress.planning_s > 0.0 and not stale:
            self._planning_s[progress.session_id, progress.sequence] = progress.planning_s

    def see_picture(self, view: str, stamp_ns: int) -> None:
        """Record a picture's stamp, unless it is not newer than the one before."""
        stamps_ns = self._stamps_ns[view]
        if not stamps_ns or stamp_ns > stamps_ns[-1]:
            stamps_ns.append(stamp_ns)

    @property
    def server_latency_s(self) -> tuple[float, ...]:
        """Latency of each chunk, as the client measured it."""
        return tuple(latency.server_s for latency in self._chunks.values())

    @property
    def server_infer_s(self) -> tuple[float, ...]:
        """Inference time of each chunk, as the server reports it; 0: not reported."""
        return tuple(latency.infer_s for latency in self._chunks.values())

    @property
    def pipeline_latency_s(self) -> tuple[float, ...]:
        """Latency of each chunk that was published, real time."""
        return tuple(c.pipeline_s for c in self._chunks.values() if c.pipeline_s is not None)

    @property
    def planning_s(self) -> tuple[float, ...]:
        """Planning time of each chunk that was planned."""
        return tuple(self._planning_s.values())

    def _pipeline_s(self, status: Any) -> float | None:
        """Return the latency in real time; the status subtracts real time from ROS time."""
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
        dropped = counters.frames_dropped - self._first_status.frames_dropped
        return replace(counters, frames_dropped=dropped)

    @property
    def views(self) -> dict[str, ViewReport]:
        """Counts and ages of each view's pictures since the episode's first status."""
        if self.status is None:
            return {}
        first, last = _counts(self._first_status), _counts(self.status)
        return {
            view: ViewReport(
                received=received - first[view][0],
                dropped=dropped - first[view][1],
                age_s=tuple(self._ages_s.get(view, ())),
            )
            for view, (received, dropped) in last.items()
        }

    @property
    def window(self) -> tuple[int, int]:
        """Frames in the window at the end, and frames that the planner uses."""
        return (self.status.window_fill, self.status.window_size) if self.status else (0, 0)

    def camera_rate_hz(self, until_ns: int) -> dict[str, float]:
        """Return the rate of stamps up to a time, for each view with two pictures or more."""
        counted = {
            view: [stamp_ns for stamp_ns in stamps_ns if stamp_ns <= until_ns]
            for view, stamps_ns in self._stamps_ns.items()
        }
        return {
            view: (len(stamps) - 1) / ((stamps[-1] - stamps[0]) * 1e-9)
            for view, stamps in counted.items()
            if len(stamps) > 1
        }

    def report(
        self,
        seed: int,
        judge: Judge,
        result: Any,
        duration_s: float,
        diagnostics: Mapping[str, str],
        undone: str,
    ) -> EpisodeReport:
        """Return the report of the episode, which is over.

        Args:
            seed: of its scene.
            judge: of the episode.
            result: of the action ExecuteTask.
            duration_s: real time.
            diagnostics: policy_node's last values, by key.
            undone: failure in words.
        """
        outcome, cause, message = Outcome(result.outcome), Cause(result.cause), result.message
        if judge.verdict is Verdict.TIME_IS_UP and outcome is Outcome.CANCELLED:
            outcome, cause = Outcome.TIME_LIMIT, Cause.TIME_LIMIT
            message = f"{undone} after {judge.elapsed_s:.0f} s of simulated time"
        window_fill, window_size = self.window
        return EpisodeReport(
            seed=seed,
            success=judge.verdict is Verdict.DONE,
            outcome=outcome.name.lower(),
            cause=cause.name.lower(),
            message=message,
            steps=result.steps,
            chunks=result.chunks,
            duration_s=duration_s,
            sim_duration_s=judge.elapsed_s,
            server_latency_s=self.server_latency_s,
            server_infer_s=self.server_infer_s,
            pipeline_latency_s=self.pipeline_latency_s,
            planning_s=self.planning_s,
            moving_share=self.moving_share,
            counters=self.counters,
            realtime_factor=tuple(self.realtime_factors),
            camera_rate_hz=self.camera_rate_hz(judge.latest_ns),
            views=self.views,
            window_fill=window_fill,
            window_size=window_size,
            diagnostics=diagnostics,
        )


def _counts(status: Any) -> dict[str, tuple[int, int]]:
    """Return how many pictures of each view policy_node has received and dropped."""
    counts = zip(status.view_received, status.view_dropped, strict=True)
    return dict(zip(status.views, counts, strict=True))
