# SPDX-License-Identifier: Apache-2.0
"""The report of a run: its episodes and their summary."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from vera_ros.demo.episode_report import Counters, EpisodeReport, ViewReport
from vera_ros.distribution import Distribution
from vera_ros.errors import ConfigurationError

_OF_SERVER = ("server_", "viewer_")  # prefixes of keys in policy_node's diagnostics


@dataclass(frozen=True)
class ViewSummary:
    """One view in all episodes; see ViewReport."""

    received: int
    dropped: int
    age_s: Distribution


@dataclass(frozen=True)
class Summary:
    """Summary of all episodes; None where nothing was measured.

    An episode that was interrupted counts in the measurements, and not among `episodes`.

    `server` describes the policy server: address, code, models, machine, viewer.
    The median duration is that of successes: real time, and in lockstep simulated time.
    """

    episodes: int
    successes: int
    success_rate: float | None
    outcomes: Mapping[str, int]
    median_duration_s: float | None
    chunks: int
    steps: int
    server_latency_s: Distribution
    server_infer_s: Distribution
    pipeline_latency_s: Distribution
    planning_s: Distribution
    moving_share_mean: float | None
    counters: Counters
    realtime_factor_mean: float | None
    realtime_factor_min: float | None
    camera_rate_hz: Mapping[str, float]
    views: Mapping[str, ViewSummary]
    server: Mapping[str, str]


@dataclass(frozen=True)
class RunReport:
    """One run of the demo.

    Attributes:
        version: of vera_ros.
        options: as given.
        error: what ended the run early; empty: nothing did.
        episodes: in the order in which they were played.
    """

    version: str
    options: Mapping[str, str | int | float | bool | None]
    error: str
    episodes: tuple[EpisodeReport, ...]

    def summary(self) -> Summary:
        """Return the summary of all episodes."""
        episodes, finished = self.episodes, sum(episode.finished for episode in self.episodes)
        won = [episode for episode in episodes if episode.success]
        lockstep = bool(self.options.get("lockstep"))
        durations_s = [e.sim_duration_s if lockstep else e.duration_s for e in won]
        factors = [value for episode in episodes for value in episode.realtime_factor]
        outcomes = sorted({episode.outcome for episode in episodes})
        return Summary(
            episodes=finished,
            successes=len(won),
            success_rate=len(won) / finished if finished else None,
            outcomes={name: sum(e.outcome == name for e in episodes) for name in outcomes},
            median_duration_s=Distribution.of(durations_s).median,
            chunks=sum(episode.chunks for episode in episodes),
            steps=sum(episode.steps for episode in episodes),
            server_latency_s=Distribution.of([v for e in episodes for v in e.server_latency_s]),
            server_infer_s=Distribution.of([v for e in episodes for v in e.server_infer_s]),
            pipeline_latency_s=Distribution.of([v for e in episodes for v in e.pipeline_latency_s]),
            planning_s=Distribution.of([v for e in episodes for v in e.planning_s]),
            moving_share_mean=_mean([e.moving_share for e in episodes]),
            counters=_total([episode.counters for episode in episodes]),
            realtime_factor_mean=float(np.mean(factors)) if factors else None,
            realtime_factor_min=min(factors) if factors else None,
            camera_rate_hz=_mean_by_key([episode.camera_rate_hz for episode in episodes]),
            views=_views(episodes),
            server=_server(episodes),
        )

    def write(self, path: Path) -> None:
        """Write the report, its summary included, as JSON.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        content = {**asdict(self), "summary": asdict(self.summary())}
        try:
            path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
        except OSError as error:
            raise ConfigurationError(
                f"the report '{path}' cannot be written ({error}); choose another with --report"
            ) from error

    @classmethod
    def read(cls, path: Path) -> "RunReport":
        """Read a report that `write` has written.

        Raises:
            ConfigurationError: the file is not a report.
        """
        try:
            content = json.loads(path.read_text())
            return cls(
                version=content["version"],
                options=content["options"],
                error=content["error"],
                episodes=tuple(EpisodeReport.from_json(item) for item in content["episodes"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"'{path}' is not a report of the demo ({error!r}); name one that it wrote"
            ) from error


def _total(counters: Sequence[Counters]) -> Counters:
    return Counters(**{name: sum(getattr(c, name) for c in counters) for name in vars(Counters())})


def _views(episodes: Sequence[EpisodeReport]) -> dict[str, ViewSummary]:
    names = dict.fromkeys(view for episode in episodes for view in episode.views)
    return {view: _view([e.views[view] for e in episodes if view in e.views]) for view in names}


def _view(seen: Sequence[ViewReport]) -> ViewSummary:
    return ViewSummary(
        sum(view.received for view in seen),
        sum(view.dropped for view in seen),
        Distribution.of([age_s for view in seen for age_s in view.age_s]),
    )


def _server(episodes: Sequence[EpisodeReport]) -> dict[str, str]:
    """Return the diagnostics of the last episode's server."""
    diagnostics = episodes[-1].diagnostics if episodes else {}
    return {name: value for name, value in diagnostics.items() if name.startswith(_OF_SERVER)}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _mean_by_key(maps: Sequence[Mapping[str, float]]) -> dict[str, float]:
    keys = dict.fromkeys(key for values in maps for key in values)
    return {key: float(np.mean([v[key] for v in maps if key in v])) for key in keys}
