# SPDX-License-Identifier: Apache-2.0
"""The report of one episode: its result and what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SERIES = (
    "server_latency_s",
    "server_infer_s",
    "pipeline_latency_s",
    "planning_s",
    "realtime_factor",
)


@dataclass(frozen=True)
class Counters:
    """Counts of irregularities; the fields are those of PolicyStatus."""

    frames_dropped: int = 0
    ticks_skipped: int = 0
    rails_bound_chunks: int = 0
    slowed_chunks: int = 0
    clipped_rows: int = 0
    collapsed_chunks: int = 0
    late_chunks: int = 0
    steps_dropped: int = 0
    steps_blended: int = 0
    holds: int = 0
    connection_attempts: int = 0
    reconnects: int = 0


@dataclass(frozen=True)
class ViewReport:
    """One view in one episode, as policy_node reports it.

    Attributes:
        received: pictures that were received.
        dropped: of these, the late, duplicate and reordered ones.
        age_s: of the newest picture, at each status.
    """

    received: int = 0
    dropped: int = 0
    age_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class EpisodeReport:
    """Result and measurements of one episode.

    Attributes:
        seed: of the scene.
        success: whether the task was done, by the judge.
        outcome: succeeded, time_limit, cancelled or aborted.
        cause: why it ended, in lower case as in PolicyStatus.
        message: the same in words.
        steps: steps played.
        chunks: chunks received.
        duration_s: real time from the goal to its result.
        sim_duration_s: simulated time from the goal to the judge's verdict.
        server_latency_s: of each chunk, as the client measured it.
        server_infer_s: inference time of each chunk, as the server reports it; 0: not reported.
        pipeline_latency_s: of each chunk, from the newest frame's stamp to the trajectory's
            publication, less the server's own time.
        planning_s: of each chunk that was planned, the time to plan its trajectory.
        moving_share: share of the time since the first chunk in which one played.
        counters: counts of irregularities.
        realtime_factor: each value that the simulation published.
        camera_rate_hz: pictures per simulated second, by view.
        views: counts and ages of the pictures, by view.
        window_fill: frames in the window at the end.
        window_size: frames that the planner uses.
        diagnostics: last diagnostics of policy_node: latencies, views, server.
    """

    seed: int
    success: bool
    outcome: str
    cause: str
    message: str
    steps: int
    chunks: int
    duration_s: float
    sim_duration_s: float
    server_latency_s: tuple[float, ...] = ()
    server_infer_s: tuple[float, ...] = ()
    pipeline_latency_s: tuple[float, ...] = ()
    planning_s: tuple[float, ...] = ()
    moving_share: float | None = None
    counters: Counters = field(default_factory=Counters)
    realtime_factor: tuple[float, ...] = ()
    camera_rate_hz: Mapping[str, float] = field(default_factory=dict)
    views: Mapping[str, ViewReport] = field(default_factory=dict)
    window_fill: int = 0
    window_size: int = 0
    diagnostics: Mapping[str, str] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether it was played to its end, and not interrupted."""
        return self.outcome != "cancelled"

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> "EpisodeReport":
        """Return the episode of a JSON object made with `asdict`; missing series are empty.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: the object is not an episode.
        """
        views = {
            view: ViewReport(**{**seen, "age_s": tuple(seen["age_s"])})
            for view, seen in item.get("views", {}).items()
        }
        return cls(
            **{
                **item,
                **{name: tuple(item.get(name, ())) for name in _SERIES},
                "counters": Counters(**item["counters"]),
                "views": views,
            }
        )
