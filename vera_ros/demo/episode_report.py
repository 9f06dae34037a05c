# SPDX-License-Identifier: Apache-2.0
"""The report of one episode: what was measured, and nothing else."""

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
    """What went less than perfectly; the fields are those of PolicyStatus."""

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
    """One view in one episode, as policy_node had it.

    Attributes:
        received: pictures that came.
        dropped: of these, the ones that came late, twice or out of order.
        age_s: of the newest picture, at each status.
    """

    received: int = 0
    dropped: int = 0
    age_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class EpisodeReport:
    """One episode.

    Attributes:
        seed: of the scene.
        success: the judge saw the tower stand.
        outcome: succeeded, time_limit, cancelled or aborted.
        cause: why it ended, in lower case as in PolicyStatus.
        message: the same in words.
        steps: steps played.
        chunks: chunks received.
        duration_s: real time from the goal to its result.
        sim_duration_s: simulated time of the same.
        server_latency_s: of each chunk, as the client saw it.
        server_infer_s: of each chunk, as the server says; 0 where it does not.
        pipeline_latency_s: of each chunk, from the newest frame's stamp to the trajectory's
            publication, less the server's own time.
        planning_s: of each chunk that was planned, the time that its trajectory took.
        moving_share: share of the time since the first chunk in which one played.
        counters: what went less than perfectly.
        realtime_factor: each value that the simulation stated.
        camera_rate_hz: pictures per simulated second, by view.
        views: what became of the pictures, by view.
        window_fill: frames in the window in the end.
        window_size: frames that the planner wants.
        diagnostics: what policy_node said of itself last: latencies, views, server.
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

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> "EpisodeReport":
        """Return an episode from what `asdict` and JSON made of it; what is not there is empty.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is not one.
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
