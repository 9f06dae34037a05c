# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.demo.episode_report import ViewReport
from vera_ros.demo.measurements import EpisodeMeasurements
from vera_ros.policy.states import State


@dataclass
class Status:
    session_id: str = "now"
    chunk: int = 0
    server_latency_s: float = 0.0
    pipeline_latency_s: float = 0.0
    server_infer_s: float = 0.0
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
    state: int = int(State.PLAYING)
    views: tuple[str, ...] = ("a", "b")
    view_age_s: tuple[float, ...] = (-1.0, -1.0)
    view_received: tuple[int, ...] = (0, 0)
    view_dropped: tuple[int, ...] = (0, 0)
    window_fill: int = 0
    window_size: int = 0
    moving_share: float = 0.0


def test_statuses_of_other_sessions_are_ignored() -> None:
    measured = EpisodeMeasurements("before", (), 1.0)
    assert not measured.see_status(Status("before", 7, 1.0, 1.0))
    assert not measured.see_status(Status("", 7, 1.0, 1.0))
    assert measured.status is None
    assert measured.see_status(Status("now", 1, 0.2, 0.1))
    assert measured.server_latency_s == (0.2,)


def test_a_chunks_latency_is_its_last_word() -> None:
    # When a chunk has just come, the status still shows the pipeline's latency of the one before.
    measured = EpisodeMeasurements("", (), 1.0)
    for chunk, server_s, pipeline_s in (
        (1, 0.2, 0.0),
        (1, 0.2, 0.11),
        (2, 0.3, 0.11),
        (2, 0.3, 0.12),
    ):
        measured.see_status(
            Status(chunk=chunk, server_latency_s=server_s, pipeline_latency_s=pipeline_s)
        )
    assert measured.server_latency_s == (0.2, 0.3)
    assert measured.pipeline_latency_s == (0.11, 0.12)


def test_a_chunk_that_was_never_published_has_no_pipeline_latency() -> None:
    measured = EpisodeMeasurements("", (), 1.0)
    measured.see_status(Status(chunk=1, server_latency_s=0.2))
    assert measured.pipeline_latency_s == ()


def test_pipeline_latency_is_real_time_whatever_the_realtime_factor() -> None:
    # At half speed, 0.4 s of real time are 0.2 s of ROS time; 0.3 s of them were the server's.
    measured = EpisodeMeasurements("", (), 0.5)
    measured.see_status(Status(chunk=1, server_infer_s=0.3, pipeline_latency_s=0.2 - 0.3))
    assert list(measured.pipeline_latency_s) == [pytest.approx(0.1)]


def test_frames_dropped_before_the_episode_do_not_count() -> None:
    measured = EpisodeMeasurements("", (), 1.0)
    measured.see_status(Status(frames_dropped=40))
    measured.see_status(Status(frames_dropped=43, ticks_skipped=2))
    assert measured.counters.frames_dropped == 3
    assert measured.counters.ticks_skipped == 2


@given(st.integers(2, 200), st.integers(1_000_000, 1_000_000_000), st.integers(0, 2**60))
def test_camera_rate_is_that_of_the_stamps(count: int, period_ns: int, start_ns: int) -> None:
    measured = EpisodeMeasurements("", ("a", "b"), 1.0)
    for index in range(count):
        measured.see_picture("a", start_ns + index * period_ns)
        measured.see_picture("a", start_ns + index * period_ns)  # time stands still
    measured.see_picture("b", start_ns)
    until_ns = start_ns + count * period_ns
    measured.see_picture("a", until_ns + 1)
    assert measured.camera_rate_hz(until_ns) == {"a": pytest.approx(1e9 / period_ns)}


def test_the_share_of_motion_is_the_last_statuss() -> None:
    measured = EpisodeMeasurements("", (), 1.0)
    measured.see_status(Status(moving_share=0.0))
    assert measured.moving_share is None
    measured.see_status(Status(chunk=1, moving_share=0.4))
    measured.see_status(Status(chunk=2, moving_share=0.7))
    assert measured.moving_share == 0.7


def test_each_views_pictures_are_counted_since_the_episodes_first_status() -> None:
    measured = EpisodeMeasurements("", ("a", "b"), 1.0)
    assert measured.views == {}
    measured.see_status(Status(view_received=(100, 50), view_dropped=(7, 0)))
    measured.see_status(
        Status(view_received=(120, 70), view_dropped=(8, 20), view_age_s=(0.04, -1.0))
    )
    ended = int(State.DONE)
    measured.see_status(
        Status(view_received=(130, 70), view_dropped=(8, 20), view_age_s=(9.0, 9.0), state=ended)
    )
    assert measured.views == {"a": ViewReport(30, 1, (0.04,)), "b": ViewReport(20, 20)}


def test_the_window_is_that_of_the_last_status() -> None:
    measured = EpisodeMeasurements("", (), 1.0)
    assert measured.window == (0, 0)
    measured.see_status(Status(window_fill=1, window_size=21))
    measured.see_status(Status(window_fill=9, window_size=21))
    assert measured.window == (9, 21)


def test_planning_is_counted_once_for_each_chunk_that_was_planned() -> None:
    measured = EpisodeMeasurements("before", (), 1.0)
    for session_id, sequence, planning_s in (
        ("before", 7, 9.0),
        ("now", 0, 0.02),  # awaits approval
        ("now", 0, 0.03),
        ("now", 0, 0.0),  # plays
        ("now", 1, 0.04),
        ("restarted", 0, 0.05),
    ):
        measured.see_progress(
            SimpleNamespace(session_id=session_id, sequence=sequence, planning_s=planning_s)
        )
    assert measured.planning_s == (0.03, 0.04, 0.05)


def test_attempts_to_connect_are_counted() -> None:
    measured = EpisodeMeasurements("", (), 1.0)
    measured.see_status(Status(connection_attempts=1))
    measured.see_status(Status(connection_attempts=3))
    assert measured.counters.connection_attempts == 3
