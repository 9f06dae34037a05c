# SPDX-License-Identifier: Apache-2.0
"""How long a window of samples is, and what its positions and velocities say of each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.motion.chunk import Measured
from vera_ros.motion.observation.joint_track import WINDOW_S, JointTrack

from ..joint_streams import STANDING, moving


def still(time_s: float) -> Measured:
    return STANDING.measured(time_s)


@given(rate_hz=st.floats(15.0, 3000.0))
def test_a_window_is_as_long_as_it_must_be(rate_hz: float) -> None:
    track = JointTrack()
    for i in range(round(0.5 * rate_hz) + 1):
        track.add(still(i / rate_hz))
    agreement = track.agreement()
    assert agreement is not None
    assert WINDOW_S <= agreement.span_s <= WINDOW_S + 4.0 / rate_hz + 0.005
    assert agreement.consistent


@pytest.mark.parametrize("to_s", [0.0, 0.45, 2.0])
def test_after_a_gap_or_a_step_back_it_begins_anew(to_s: float) -> None:
    track = JointTrack()
    for i in range(30):
        track.add(still(0.01 * i))
    assert track.agreement() is not None
    track.add(still(to_s))
    assert track.agreement() is None


def test_a_moment_that_is_repeated_fills_no_window() -> None:
    track = JointTrack()
    for _ in range(10_000):
        track.add(still(5.0))
    assert track.agreement() is None
    assert len(track._samples) <= 2


@given(seed=st.integers(0, 999), joint=st.integers(0, 6), wrong_rad=st.floats(0.1, 3.0))
def test_one_wrong_position_is_inconsistent_wherever_it_is(
    seed: int, joint: int, wrong_rad: float
) -> None:
    """It is no steady drift, though: the velocities are not to blame."""
    motion = moving(np.random.default_rng(seed))
    where = 1 + seed % 13
    track = JointTrack()
    for i in range(14):
        sample = motion.measured(0.01 * i)
        if i == where:
            sample.q[joint] += wrong_rad
        track.add(sample)
    agreement = track.agreement()
    assert agreement is not None
    assert not agreement.consistent
    assert agreement.contradicted == ()
