# SPDX-License-Identifier: Apache-2.0
"""Simulated time follows real time at its factor, and what is lost shows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.sim.pacer import Pacer

LONGEST_CATCH_UP_S = 0.5

patient = settings(deadline=None)  # a busy machine must not fail a test


@patient
@given(factor=st.floats(0.05, 20), steady_s=st.floats(0, 1e6), sim_s=st.floats(0, 1e4))
def test_time_starts_where_it_is(factor: float, steady_s: float, sim_s: float) -> None:
    pacer = Pacer(factor, steady_s, sim_s)
    assert pacer.target_s(steady_s, sim_s) == sim_s
    assert pacer.realtime_factor == 0.0
    assert pacer.steady_s(sim_s) == steady_s


@patient
@given(factor=st.floats(0.05, 20), seconds=st.floats(1, 20))
def test_a_simulation_that_keeps_up_runs_at_the_factor(factor: float, seconds: float) -> None:
    pacer = Pacer(factor, 100.0, 7.0)
    sim_s = 7.0
    step_s = min(0.01, 0.1 / factor)
    for steady_s in np.linspace(100.0, 100.0 + seconds, round(seconds / step_s) + 1):
        sim_s = pacer.target_s(float(steady_s), sim_s)
    assert sim_s == pytest.approx(7.0 + factor * seconds)
    assert pacer.realtime_factor == pytest.approx(factor)
    assert pacer.steady_s(7.0) == pytest.approx(100.0)


@patient
@given(
    factor=st.floats(0.05, 20),
    gaps_s=st.lists(st.floats(0, 3), min_size=1, max_size=30),
    speed=st.floats(0, 2),
)
def test_the_target_is_never_far_ahead_and_every_second_is_accounted_for(
    factor: float, gaps_s: list[float], speed: float
) -> None:
    pacer = Pacer(factor, 0.0, 0.0)
    steady_s = sim_s = 0.0
    for gap_s in gaps_s:
        steady_s += gap_s
        target_s = pacer.target_s(steady_s, sim_s)
        assert target_s <= sim_s + LONGEST_CATCH_UP_S + 1e-9
        assert pacer.steady_s(target_s) == pytest.approx(steady_s, abs=1e-6)
        sim_s = max(sim_s, min(target_s, sim_s + speed * gap_s))


def test_a_slow_simulation_shows_the_factor_that_it_reaches() -> None:
    pacer = Pacer(1.0, 0.0, 0.0)
    sim_s = 0.0
    for tick in range(1, 2001):
        target_s = pacer.target_s(tick * 0.01, sim_s)
        sim_s = min(target_s, sim_s + 0.003)
    assert pacer.realtime_factor == pytest.approx(0.3, abs=0.01)
    assert pacer.steady_s(sim_s) == pytest.approx(20.0 - LONGEST_CATCH_UP_S, abs=0.05)


def test_the_factor_forgets_what_is_long_past() -> None:
    pacer = Pacer(1.0, 0.0, 0.0)
    sim_s = pacer.target_s(0.0, 0.0)
    sim_s = pacer.target_s(30.0, sim_s)  # the machine slept
    for tick in range(1, 1001):
        sim_s = pacer.target_s(30.0 + tick * 0.01, sim_s)
    assert pacer.realtime_factor == pytest.approx(1.0)
