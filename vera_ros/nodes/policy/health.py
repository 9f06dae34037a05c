# SPDX-License-Identifier: Apache-2.0
"""The health of policy_node, for /diagnostics."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from diagnostic_msgs.msg import DiagnosticStatus

from vera_ros.nodes.common.health import Health, Status
from vera_ros.nodes.policy.server_side import ServerSide
from vera_ros.nodes.policy.views.policy_views import PolicyViews
from vera_ros.policy.episode import Episode
from vera_ros.policy.records.statistics import ViewState, view_states
from vera_ros.policy.states import State
from vera_ros.vision.source_rate import ARRIVING
from vera_ros.wire.provenance import describe_code, protocol_warning

_LOW_RATE = 0.9  # of the control rate: fewer pictures than ticks
_COUNTED = (
    "clipped_rows",
    "rails_bound_chunks",
    "slowed_chunks",
    "collapsed_chunks",
    "late_chunks",
    "steps_dropped",
    "steps_blended",
    "holds",
    "connection_attempts",
    "reconnects",
)


class Finding(NamedTuple):
    """Something wrong: its level, cause and description."""

    level: bytes
    cause: str
    message: str


def policy_health(
    episode: Episode,
    cameras: PolicyViews,
    server: ServerSide,
    bounds: Mapping[str, Any],
    control_rate_hz: float,
    now_ns: int,
) -> Health:
    """Return the status of the episode, and of each view, the server and the latencies.

    Args:
        episode: the current or last episode.
        cameras: the streams and pictures of the views.
        server: the policy server.
        bounds: the node's parameters.
        control_rate_hz: pictures per second that the policy needs [Hz].
        now_ns: ROS time [ns].
    """
    views = view_states(cameras.buffer, now_ns)
    of_views = [*_findings_of_views(views, episode.running, bounds, control_rate_hz)]
    of_server = [*_findings_of_server(episode, server, bounds)]
    bad = {view: stream.bad for view, stream in cameras.streams.items()}
    parts = {
        f"view {view}": _status(
            [finding for finding in of_views if view in finding.cause.split(" ")],
            {**_values_of_view(state), "bad": bad[view]},
            cameras.streams[view].topic,
        )
        for view, state in views.items()
    }
    parts["server"] = _status(of_server, _values_of_server(server), server.url)
    parts["latencies"] = _status([], _values_of_latencies(episode), server.url)
    whole = _status(
        [*of_views, *of_server],
        {**_values_of_episode(episode), "bad_pictures": sum(bad.values())},
        bounds["embodiment"],
    )
    causes = [finding.cause for finding in (*of_views, *of_server)]
    return Health(**vars(whole), causes=causes, parts=parts)


def _status(findings: Sequence[Finding], values: dict[str, object], hardware: str) -> Status:
    """Return a status with what is wrong, at the level of the worst of it."""
    if not findings:
        return Status(values=values, hardware=hardware)
    message = "; ".join(finding.message for finding in findings)
    return Status(max(finding.level for finding in findings), message, values, hardware)


def _findings_of_views(
    views: Mapping[str, ViewState], running: bool, bounds: Mapping[str, Any], rate_hz: float
) -> Iterator[Finding]:
    oldest_s = bounds["view_max_age_s"]
    stopped = [view for view, v in views.items() if v.age_s is not None and v.age_s > oldest_s]
    missing = [view for view, v in views.items() if v.age_s is None]
    if stopped:
        level = DiagnosticStatus.ERROR if running else DiagnosticStatus.WARN
        message = f"no current picture of {', '.join(stopped)}"
        yield Finding(level, f"views_stale {' '.join(stopped)}", message)
    if missing:
        message = f"no picture of {', '.join(missing)} yet"
        yield Finding(DiagnosticStatus.WARN, f"views_missing {' '.join(missing)}", message)
    for view, state in views.items():
        if view not in stopped and 0.0 < state.rate_hz < _LOW_RATE * rate_hz:
            message = f"{view} arrives at {state.rate_hz:.1f} Hz, the policy needs {rate_hz:g} Hz"
            yield Finding(DiagnosticStatus.WARN, f"view_slow {view}", message)
        if view not in stopped and state.rate_hz < ARRIVING * state.source_hz:
            message = (
                f"{state.rate_hz / state.source_hz:.0%} of {view} arrives: by its stamps it is "
                f"taken at {state.source_hz:.1f} Hz, and {state.rate_hz:.1f} Hz arrive; start the "
                "camera driver with the DDS profile of vera_ros, or set image_transport to "
                "compressed (docs/how_to/large_pictures.md)"
            )
            yield Finding(DiagnosticStatus.WARN, f"view_lossy {view}", message)


def _findings_of_server(
    episode: Episode, server: ServerSide, bounds: Mapping[str, Any]
) -> Iterator[Finding]:
    counters = episode.record.counters
    if episode.state is State.CONNECTING:
        retrying = counters.connection_attempts > 1 + counters.reconnects
        level = DiagnosticStatus.ERROR if retrying else DiagnosticStatus.WARN
        yield Finding(level, "no_server", episode.message)
    if server.reloading:
        message = "the server is loading other models"
        yield Finding(DiagnosticStatus.WARN, "server_reloading", message)
    slow_s, latency_s = bounds["server_slow_s"], counters.server_latency_s
    if latency_s > slow_s:
        message = f"the server took {latency_s:.1f} s, more than server_slow_s {slow_s:g} s"
        yield Finding(DiagnosticStatus.WARN, "server_slow", message)
    if server.config is not None and protocol_warning(server.config):
        message = protocol_warning(server.config)
        yield Finding(DiagnosticStatus.WARN, "server_protocol", message)
    for complaint in server.settings.complaints:
        message = f"setting of the server: {complaint}"
        yield Finding(DiagnosticStatus.WARN, "server_setting", message)


def _values_of_episode(episode: Episode) -> dict[str, object]:
    window = episode.observer.window
    return {
        "state": episode.state.name,
        "window_fill": window.fill if window else 0,
        "window_size": window.size if window else 0,
        "ticks_skipped": episode.observer.ticks_skipped,
        **{name: getattr(episode.record.counters, name) for name in _COUNTED},
    }


def _values_of_view(state: ViewState) -> dict[str, object]:
    return {
        "rate_hz": state.rate_hz,
        "source_rate_hz": state.source_hz,
        "age_s": state.age_s,
        "received": state.received,
        "dropped": state.dropped,
    }


def _values_of_latencies(episode: Episode) -> dict[str, object]:
    """Return the percentiles of each latency over the last chunks; none before the first."""
    return {
        f"{name}_{percentile}": value
        for name, distribution in episode.record.latencies.distributions().items()
        for percentile, value in (
            ("p50", distribution.median),
            ("p90", distribution.p90),
            ("p99", distribution.p99),
        )
    }


def _values_of_server(server: ServerSide) -> dict[str, object]:
    values: dict[str, object] = {
        "server_url": server.url,
        "viewer_url": server.viewer_url or "not known",
        "observe_failures": server.observe_failures.total(),
        **{f"observe_failures_{kind}": n for kind, n in server.observe_failures.items()},
    }
    config = server.config
    if config is not None:
        values |= {
            "server_code": describe_code(config) or "not known",
            "server_planner": config.planner_model,
            "server_idm": config.idm_model,
            "server_host": config.hostname,
            "server_protocol": config.protocol_version,
        }
    return values
