# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.doctor.checks.robot.views import judge, judge_together
from vera_ros.doctor.facts.graph import Topic
from vera_ros.doctor.finding import Finding, Verdict

from ...example_facts import configuration, endpoint, graph, samples, verdict, view

NAME = "agentview_image"


def finding_of(
    policy: dict[str, Any] | None = None, *, clock: bool = False, **changes: Any
) -> Finding:
    return judge(NAME, view("front", **changes), configuration(policy), graph(clock=clock))


def published(*kinds: str, reliable: bool = True) -> Topic:
    return Topic("/front/image_raw", tuple(endpoint("/c", k, reliable=reliable) for k in kinds))


def test_a_camera_that_runs_is_described() -> None:
    finding = finding_of()
    assert finding.verdict is Verdict.OK
    assert finding.found == "640 x 480 rgb8, 20.0 Hz, /front/image_raw"


@pytest.mark.parametrize(
    ("changes", "named", "mend"),
    [
        ({"topic": published()}, "nothing publishes /front/image_raw", "remap agentview/image_raw"),
        (
            {"topic": published("sensor_msgs/msg/CompressedImage")},
            "as sensor_msgs/msg/CompressedImage",
            "remap",
        ),
        ({"samples": ()}, "nothing arrived in 3.0 s", "ros2 topic hz /front/image_raw"),
        ({"problem": "encoding 'yuv' is unknown"}, "yuv", "rgb8"),
        ({"samples": samples(20.0, delay_s=-0.5)}, "500 ms in the future", "chrony"),
        ({"samples": samples(20.0, delay_s=1.0)}, "1000 ms old", "view_max_delay_s"),
        (
            {"samples": tuple(replace(s, stamp_s=0.0) for s in samples(20.0))},
            "not stamped",
            "stamp them",
        ),
    ],
)
def test_what_keeps_the_policy_from_seeing_is_a_failure(
    changes: dict[str, Any], named: str, mend: str
) -> None:
    finding = finding_of(**changes)
    assert finding.verdict is Verdict.FAILURE
    assert named in finding.found
    assert mend in finding.mend


def test_a_best_effort_camera_is_not_heard_by_who_wants_all() -> None:
    topic = published("sensor_msgs/msg/Image", reliable=False)
    finding = finding_of({"image_reliability": "reliable"}, topic=topic)
    assert finding.verdict is Verdict.FAILURE
    assert "image_reliability: auto" in finding.mend
    assert finding_of(topic=topic).verdict is Verdict.OK


@pytest.mark.parametrize(("rate_hz", "expected"), [(19.0, Verdict.OK), (10.0, Verdict.WARNING)])
def test_a_slow_camera_is_warned_of(rate_hz: float, expected: Verdict) -> None:
    assert finding_of(samples=samples(rate_hz)).verdict is expected


def test_pictures_that_are_lost_on_the_way_are_warned_of() -> None:
    """The camera is fast enough: raising its rate would make things worse."""
    arriving = tuple(s for n, s in enumerate(samples(60.0)) if n % 5 in (0, 1))
    finding = finding_of(samples=arriving)
    assert finding.verdict is Verdict.WARNING
    assert "taken at 60.0 Hz" in finding.found
    assert "camera_environment" in finding.mend


def test_pictures_that_may_come_too_late_are_warned_of() -> None:
    finding = finding_of(samples=samples(20.0, delay_s=0.15))
    assert finding.verdict is Verdict.WARNING
    assert "150 ms old" in finding.found


def test_the_rate_of_simulated_time_is_that_of_the_stamps() -> None:
    """At half of real time, 20 Hz arrive as 10 Hz."""
    slow = tuple(replace(s, arrival_s=2.0 * s.arrival_s) for s in samples(20.0))
    assert finding_of(clock=True, samples=slow).verdict is Verdict.OK
    assert finding_of(clock=False, samples=slow).verdict is Verdict.WARNING


def test_time_that_stands_still_is_no_failure() -> None:
    still = tuple(replace(s, stamp_s=5.0, now_s=5.01) for s in samples(20.0))
    finding = finding_of(clock=True, samples=still)
    assert finding.verdict is Verdict.OK
    assert "time stands still" in finding.found


def test_two_cameras_in_one_view_are_warned_of() -> None:
    finding = finding_of(topic=published("sensor_msgs/msg/Image", "sensor_msgs/msg/Image"))
    assert finding.verdict is Verdict.WARNING
    assert "2 cameras in one view" in finding.found


def test_a_single_picture_is_no_stream() -> None:
    finding = finding_of(samples=samples(20.0)[:1])
    assert finding.verdict is Verdict.WARNING
    assert "0.0 Hz" in finding.found


def test_views_of_the_same_moments_go_together() -> None:
    assert verdict(judge_together({"a": view("a"), "b": view("b")}, 0.06)) is Verdict.OK


def test_a_view_twice_is_one_too_few() -> None:
    (finding,) = judge_together({"a": view("same"), "b": view("same")}, 0.06)
    assert finding.verdict is Verdict.FAILURE
    assert "/same/image_raw" in finding.found


def test_nothing_is_said_of_views_that_do_not_come() -> None:
    assert not judge_together({"a": view("a"), "b": view("b", samples=())}, 0.06)
    assert not judge_together({"a": view("a")}, 0.06)
    unstamped = tuple(replace(s, stamp_s=0.0) for s in samples(20.0))
    assert not judge_together({"a": view("a"), "b": view("b", samples=unstamped)}, 0.06)


@given(
    offset_s=st.floats(-0.02, 0.02),
    rates=st.tuples(st.sampled_from([20.0, 30.0, 60.0]), st.just(20.0)),
)
def test_cameras_out_of_phase_are_no_further_apart_than_half_a_period(
    offset_s: float, rates: tuple[float, float]
) -> None:
    """The fast camera always has a picture near each one of the slow camera."""
    views = {
        "fast": view("fast", samples=samples(rates[0])),
        "slow": view("slow", samples=samples(rates[1], offset_s=offset_s)),
    }
    assert verdict(judge_together(views, 0.5 / rates[0] + 0.02)) is Verdict.OK


@given(apart_s=st.floats(2.5, 100.0))
def test_clocks_apart_are_a_failure(apart_s: float) -> None:
    shifted = tuple(replace(s, stamp_s=s.stamp_s - apart_s) for s in samples(20.0))
    (finding,) = judge_together({"a": view("a"), "b": view("b", samples=shifted)}, 0.06)
    assert finding.verdict is Verdict.FAILURE
    assert "chrony" in finding.mend
