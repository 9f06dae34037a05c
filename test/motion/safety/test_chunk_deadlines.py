# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

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
