# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.motion.chunk import ChunkRequest
from vera_ros.motion.observation.arm_observation import SupervisionLimits
from vera_ros.motion.safety.chunk_deadlines import Timeliness

from ..chunks import CONTROL_DT_S

NOW_S = 1.7e9
BOUNDS = SupervisionLimits(
    tracking_rad=0.1,
    tracking_delay_s=0.1,
    rest_speed=0.05,
    rest_s=1.0,
    planning_s=1.0,
    chunk_age_s=5.0,
    chunk_delay_s=0.5,
    frozen_s=0.3,
    frozen_rad=0.01,
    clock_jump_s=0.05,
)
CHUNK = ChunkRequest(np.zeros((3, 6)), np.zeros(0, bool), CONTROL_DT_S, "a", 0)


@pytest.mark.parametrize("passed_s", [-0.01, 0.0, 0.5])
def test_a_chunk_that_was_sent_just_now_is_in_time(passed_s: float) -> None:
    Timeliness(BOUNDS).refuse_late(replace(CHUNK, sent_s=NOW_S - passed_s), NOW_S)


def test_a_chunk_that_was_long_under_way_is_late() -> None:
    with pytest.raises(
        MotionRefusedError, match=r"sent 0\.75 s ago; valid is up to 0\.5 s"
    ) as late:
        Timeliness(BOUNDS).refuse_late(replace(CHUNK, sent_s=NOW_S - 0.75), NOW_S)
    assert late.value.cause is Cause.CHUNK_TOO_OLD


def test_what_was_sent_before_a_stop_is_late_until_time_is_turned_back() -> None:
    chunk, timeliness = replace(CHUNK, sent_s=NOW_S - 0.1), Timeliness(BOUNDS)
    timeliness.stopped(NOW_S - 0.05)
    with pytest.raises(MotionRefusedError, match="before the last stop"):
        timeliness.refuse_late(chunk, NOW_S)
    timeliness.forget()
    timeliness.refuse_late(chunk, NOW_S)


@pytest.mark.parametrize(("age_s", "old"), [(0.0, False), (5.0, False), (5.5, True)])
def test_what_was_seen_too_long_ago_is_no_ground_to_move_on(age_s: float, old: bool) -> None:
    chunk, timeliness = replace(CHUNK, stamp_s=NOW_S - age_s), Timeliness(BOUNDS)
    if not old:
        timeliness.refuse_old(chunk, NOW_S)
        return
    with pytest.raises(MotionRefusedError, match=r"seen 5\.50 s ago"):
        timeliness.refuse_old(chunk, NOW_S)


def test_what_is_not_told_is_not_judged() -> None:
    timeliness = Timeliness(BOUNDS)
    timeliness.refuse_late(CHUNK, NOW_S)
    timeliness.refuse_old(CHUNK, NOW_S)
