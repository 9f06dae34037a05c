# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vera_ros.demo.episode_report import Counters, EpisodeReport, ViewReport
from vera_ros.demo.report import RunReport
from vera_ros.distribution import Distribution
from vera_ros.errors import ConfigurationError

_seconds = st.floats(0.0, 1e4)
_counts = st.integers(0, 2**31)
_series = st.lists(_seconds, max_size=20).map(tuple)

episodes = st.builds(
    EpisodeReport,
    seed=_counts,
    success=st.booleans(),
    outcome=st.sampled_from(["succeeded", "time_limit", "cancelled", "aborted"]),
    cause=st.sampled_from(["task_success", "time_limit", "arm_rejected"]),
    message=st.text(),
    steps=_counts,
    chunks=_counts,
    duration_s=_seconds,
    sim_duration_s=_seconds,
    server_latency_s=_series,
    pipeline_latency_s=_series,
    planning_s=_series,
    counters=st.builds(Counters, *[_counts] * 5),
    realtime_factor=_series,
    camera_rate_hz=st.dictionaries(st.sampled_from(["a", "b"]), _seconds),
    views=st.dictionaries(
        st.sampled_from(["a", "b"]), st.builds(ViewReport, _counts, _counts, _series)
    ),
    window_fill=_counts,
    window_size=_counts,
    diagnostics=st.dictionaries(st.sampled_from(["server_code", "state"]), st.text()),
)
reports = st.builds(
    RunReport,
    version=st.text(),
    options=st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.booleans()),
    error=st.text(),
    episodes=st.lists(episodes, max_size=5).map(tuple),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(reports)
def test_a_report_that_is_written_is_read_back(tmp_path: Path, report: RunReport) -> None:
    path = tmp_path / "report.json"
    report.write(path)
    assert RunReport.read(path) == report


@given(st.lists(episodes, max_size=6).map(tuple))
def test_summary_adds_up(played: tuple[EpisodeReport, ...]) -> None:
    summary = RunReport("0", {}, "", played).summary()
    assert summary.episodes == sum(e.outcome != "cancelled" for e in played)
    assert sum(summary.outcomes.values()) == len(played)
    assert summary.successes == sum(e.success for e in played)
    assert summary.chunks == sum(e.chunks for e in played)
    assert summary.counters.ticks_skipped == sum(e.counters.ticks_skipped for e in played)
    assert summary.server_latency_s.count == sum(len(e.server_latency_s) for e in played)
    assert summary.planning_s.count == sum(len(e.planning_s) for e in played)
    seen = [e.views["a"] for e in played if "a" in e.views]
    assert ("a" in summary.views) == bool(seen)
    if seen:
        of_view = summary.views["a"]
        assert of_view.dropped == sum(view.dropped for view in seen)
        assert of_view.received == sum(view.received for view in seen)
        assert of_view.age_s == Distribution.of([age for view in seen for age in view.age_s])
    won = [e.duration_s for e in played if e.success]
    assert summary.median_duration_s == (float(np.median(won)) if won else None)


def test_the_server_is_the_one_that_was_asked_last() -> None:
    played = [
        EpisodeReport(0, True, "", "", "", 0, 0, 0.0, 0.0, diagnostics=said)
        for said in ({"server_code": "a"}, {"server_code": "b", "viewer_url": "c", "state": "d"})
    ]
    summary = RunReport("0", {}, "", tuple(played)).summary()
    assert summary.server == {"server_code": "b", "viewer_url": "c"}


@given(st.lists(episodes, max_size=6).map(tuple))
def test_in_lockstep_durations_are_simulated_time(played: tuple[EpisodeReport, ...]) -> None:
    won = [e.sim_duration_s for e in played if e.success]
    report = RunReport("0", {"lockstep": True}, "", played)
    assert report.summary().median_duration_s == (float(np.median(won)) if won else None)


def test_what_was_not_measured_is_null(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    RunReport("0", {}, "no server", ()).write(path)
    summary = json.loads(path.read_text())["summary"]
    assert summary["success_rate"] is None
    assert summary["server_latency_s"] == {
        "count": 0,
        "median": None,
        "p90": None,
        "p99": None,
        "max": None,
    }


def test_what_an_earlier_report_does_not_have_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    RunReport("0", {}, "", (EpisodeReport(0, True, "", "", "", 0, 0, 0.0, 0.0),)).write(path)
    content = json.loads(path.read_text())
    for name in ("views", "window_fill", "window_size", "planning_s"):
        del content["episodes"][0][name]
    path.write_text(json.dumps(content))
    assert RunReport.read(path).episodes[0].views == {}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"version": "0", "options": {}}',
        "nonsense",
        '{"version": "0", "options": {}, "error": "", "episodes": [[]]}',
    ],
)
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="not a report"):
        RunReport.read(path)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--report"):
        RunReport("0", {}, "", ()).write(tmp_path / "nowhere" / "report.json")
