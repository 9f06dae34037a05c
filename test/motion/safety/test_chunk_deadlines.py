# SPDX-License-Identifier: Apache-2.0
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk import ChunkRequest
from vera_ros.motion.observation.arm_observation import SupervisionLimits
from vera_ros.motion.safety.chunk_deadlines import ChunkDeadlines

from ..chunks import CONTROL_DT_S

NOW_S = 1.7e9
BOUNDS = SupervisionLimits(
    tracking_tolerance=0.1,
    tracking_delay_s=0.1,
    rest_speed=0.05,
    rest_timeout_s=1.0,
    planning_timeout_s=1.0,
    chunk_max_age_s=5.0,
    chunk_max_delay_s=0.5,
    frozen_time_s=0.3,
    frozen_angle=0.01,
    clock_jump_s=0.05,
)
CHUNK = ChunkRequest(np.zeros((3, 6)), np.zeros(0, bool), CONTROL_DT_S, "a", 0)


@pytest.mark.parametrize("passed_s", [-0.01, 0.0, 0.5])
def test_a_chunk_that_was_sent_just_now_is_in_time(passed_s: float) -> None:
    ChunkDeadlines(BOUNDS).refuse_late(replace(CHUNK, sent_s=NOW_S - passed_s), NOW_S)


def test_a_chunk_that_was_long_under_way_is_late() -> None:
    with pytest.raises(
        MotionRefusedError, match=r"sent 0\.75 s ago; valid is up to 0\.5 s"
    ) as late:
        ChunkDeadlines(BOUNDS).refuse_late(replace(CHUNK, sent_s=NOW_S - 0.75), NOW_S)
    assert late.value.cause is Cause.CHUNK_TOO_OLD


def test_what_was_sent_before_a_stop_is_late_until_time_is_turned_back() -> None:
    chunk, deadlines = replace(CHUNK, sent_s=NOW_S - 0.1), ChunkDeadlines(BOUNDS)
    deadlines.stopped(NOW_S - 0.05)
    with pytest.raises(MotionRefusedError, match="before the last stop"):
        deadlines.refuse_late(chunk, NOW_S)
    deadlines.forget()
    deadlines.refuse_late(chunk, NOW_S)


@pytest.mark.parametrize(("age_s", "old"), [(0.0, False), (5.0, False), (5.5, True)])
def test_what_was_seen_too_long_ago_is_no_ground_to_move_on(age_s: float, old: bool) -> None:
    chunk, deadlines = replace(CHUNK, stamp_s=NOW_S - age_s), ChunkDeadlines(BOUNDS)
    if not old:
        deadlines.refuse_old(chunk, NOW_S)
        return
    with pytest.raises(MotionRefusedError, match=r"taken 5\.50 s ago"):
        deadlines.refuse_old(chunk, NOW_S)


def test_what_is_not_told_is_not_judged() -> None:
    deadlines = ChunkDeadlines(BOUNDS)
    deadlines.refuse_late(CHUNK, NOW_S)
    deadlines.refuse_old(CHUNK, NOW_S)


@pytest.mark.parametrize(
    ("session_id", "sequence", "later_s", "refused"),
    [
        ("a", 0, 0.0, True),  # received twice
        ("a", 0, 2e-6, True),  # by another estimate of the controller's clock
        ("a", 0, -0.1, True),
        ("z", 7, -0.1, True),  # of an earlier episode
        ("a", 1, 0.0, False),  # in lockstep, time stands still
        ("b", 0, 0.0, False),
        ("a", 0, 0.1, False),
    ],
)
def test_a_chunk_is_taken_up_once(
    session_id: str, sequence: int, later_s: float, refused: bool
) -> None:
    deadlines = ChunkDeadlines(BOUNDS)
    deadlines.refuse_repeated(replace(CHUNK, sent_s=NOW_S))
    again = replace(CHUNK, session_id=session_id, sequence=sequence, sent_s=NOW_S + later_s)
    if not refused:
        deadlines.refuse_repeated(again)
        return
    with pytest.raises(MotionRefusedError, match="does another node repeat chunks") as repeated:
        deadlines.refuse_repeated(again)
    assert repeated.value.cause is Cause.CHUNK_TOO_OLD
    deadlines.forget()
    deadlines.refuse_repeated(again)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=30), st.floats(-1.0, 1.0))
def test_what_was_accepted_never_comes_again_whatever_the_clock_does(
    times: list[int], by_s: float
) -> None:
    deadlines, accepted = ChunkDeadlines(BOUNDS), list[float]()
    for number, time in enumerate(times):
        sent_s = NOW_S + 0.1 * time
        with suppress(MotionRefusedError):
            deadlines.refuse_repeated(replace(CHUNK, sequence=number, sent_s=sent_s))
            accepted.append(sent_s)
    assert accepted == sorted(accepted)
    deadlines.later(by_s)
    for sent_s in accepted:
        with pytest.raises(MotionRefusedError):
            deadlines.refuse_repeated(replace(CHUNK, sent_s=sent_s + by_s - 1e-6))
